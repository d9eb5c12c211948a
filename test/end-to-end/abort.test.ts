import { expect, test } from "vitest";
import { deleteMaintenance, releaseHost } from "../../lib/client/maintenance.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 4, instances: 16 }) });

test(
  "a session that is deleted before its time touches nothing",
  onStage(async ({ open, ended, api, clock, simulator }) => {
    const calls = simulator.journal.length;
    const id = await open({
      hosts: ["cmp-01"],
      maintenance_at: new Date(clock.now() + 3_600_000).toISOString(),
    });
    await deleteMaintenance(api, id);
    const { detail } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_FAILED");
    expect(simulator.journal.slice(calls)).toEqual([]);
  }),
);

test(
  "a session that is deleted while instances move ends their moves, starts no more and gives the hosts back",
  onStage(async ({ open, ended, api, simulator }) => {
    const [first] = simulator.world.instances.values();
    // Slow enough that the abort comes in the middle.
    simulator.happen({ kind: "driver", faults: { "*": { live_migration: { seconds: 20 } } } });
    const id = await open({ hosts: ["cmp-01", "cmp-02"], max_parallel_hosts: 1 });
    await waitFor(
      "the first move to run",
      () => simulator.world.migrations.find(({ status }) => status === "running"),
      60_000,
    );
    await deleteMaintenance(api, id);
    const { detail } = await ended(id);
    simulator.happen({ kind: "clear_faults" });

    expect(first).toBeDefined();
    expect(detail.session.state).toBe("MAINTENANCE_FAILED");
    const ends = detail.hosts.map(({ phase, outcome }) => outcome ?? phase);
    expect(ends.toSorted()).toEqual(["WAITING", "restored"]);
    const moved = detail.instances.filter(({ state }) => state === "moved");
    expect(moved.length).toBeGreaterThan(0);
    for (const { hostname } of detail.hosts)
      expect(simulator.world.hosts.get(hostname)).toMatchObject({ status: "enabled" });
  }),
);

test(
  "a host in work is not given back by an abort, but when an admin releases it",
  onStage(async ({ open, ended, when, api, simulator }) => {
    const id = await open({
      hosts: ["cmp-03", "cmp-04"],
      max_parallel_hosts: 1,
      actions: [{ plugin: "hold", metadata: {} }],
    });
    const inWork = await when(id, "a host to be worked on", ({ hosts }) =>
      hosts.some(({ phase }) => phase === "IN_MAINTENANCE"),
    );
    const host =
      inWork.detail.hosts.find(({ phase }) => phase === "IN_MAINTENANCE")?.hostname ?? "";
    await deleteMaintenance(api, id);
    expect(simulator.world.hosts.get(host)).toMatchObject({ status: "disabled" });
    await waitFor(
      "the release to be taken",
      () =>
        releaseHost(api, id, host).then(
          () => true,
          () => undefined,
        ),
      60_000,
    );
    const { detail } = await ended(id);
    expect(detail.hosts.find(({ hostname }) => hostname === host)).toMatchObject({
      outcome: "released",
    });
    expect(detail.session.state).toBe("MAINTENANCE_FAILED");
  }),
);
