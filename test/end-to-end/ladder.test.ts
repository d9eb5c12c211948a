import { expect, test } from "vitest";
import { retryHost } from "../../lib/client/maintenance.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const cloud = quickCloud({ hosts: 5, instances: 5 });

const onStage = theStage({ cloud, settings: { LULL_STALL_SECONDS: "60" } });

test(
  "a move whose bytes no longer fall is aborted, never forced, and made to another host",
  onStage(async ({ open, ended, simulator }) => {
    const guest = [...simulator.world.instances.values()].find(({ host }) => host === "cmp-01");
    if (!guest) throw new Error("cmp-01 has no instance");
    simulator.happen({
      kind: "driver",
      faults: { [guest.id]: { live_migration: { outcome: "hang" } } },
    });
    const from = simulator.journal.length;
    const id = await open({ hosts: ["cmp-01"] });
    await waitFor(
      "its first move to be given up",
      () => simulator.journal.slice(from).find(({ method }) => method === "DELETE"),
      60_000,
    );
    simulator.happen({ kind: "clear_faults" });
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    const calls = simulator.journal.slice(from);
    const aborted = calls.filter(
      ({ method, path }) => method === "DELETE" && path.includes("/migrations/"),
    );
    expect(aborted.length).toBeGreaterThan(0);
    expect(JSON.stringify(calls)).not.toContain("force_complete");
    expect(guest.vm_state).toBe("active");
  }),
);

test(
  "an instance that no target can keep up with is left to its owner, and tried again when an admin says so",
  onStage(async ({ open, when, ended, api, simulator }) => {
    const guest = [...simulator.world.instances.values()].find(({ host }) => host === "cmp-02");
    if (!guest) throw new Error("cmp-02 has no instance");
    simulator.happen({
      kind: "driver",
      faults: { [guest.id]: { live_migration: { outcome: "hang" } } },
    });
    const id = await open({ hosts: ["cmp-02"] });
    const { detail: stuck } = await when(id, "three targets to have been tried", ({ attention }) =>
      attention.some(({ message }) => message.includes("its owner has to calm it down")),
    );
    expect(stuck.instances.find(({ instance_id }) => instance_id === guest.id)).toMatchObject({
      state: "blocked",
    });
    simulator.happen({ kind: "clear_faults" });
    await retryHost(api, id, "cmp-02", "its owner has calmed it down");
    const { detail } = await ended(id);
    expect(detail.hosts).toMatchObject([{ outcome: "maintained" }]);
  }),
);
