import { expect, test } from "vitest";
import { putConstraints } from "../../lib/client/constraints.ts";
import { listEffects, retryHost } from "../../lib/client/maintenance.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import type { RequestFault } from "../../localstack/openstack/faults.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const cloud = quickCloud({ hosts: 8, instances: 8 });

const onStage = theStage({ cloud, settings: { LULL_STALL_SECONDS: "60" } });

test(
  "a move whose bytes no longer fall is aborted, not forced, and made to another host",
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

/** As the simulated cloud has it, a move that does not get on would end in 4 s if it were forced. */
const BEARABLE = 60;

/** What Nova does to the call that forces a move. */
const onForce = (effect: RequestFault["effect"]): RequestFault => ({
  service: "compute",
  method: "POST",
  path: "/migrations/\\d+/action",
  effect,
});
const REFUSED = onForce({ kind: "error", status: 409, message: "not now" });
const LOST = onForce({ kind: "reset_after" });

test.each([
  { host: "cmp-03", what: "is forced once", seconds: BEARABLE, calls: ["POST"], ends: ["done"] },
  { host: "cmp-04", what: "is aborted, as the pause would be too long", seconds: 1 },
  { host: "cmp-05", what: "is aborted, as its owner has not said how long it bears" },
  {
    host: "cmp-06",
    what: "is aborted, as Nova does not force it",
    seconds: BEARABLE,
    fault: REFUSED,
    ends: ["refused"],
  },
  {
    host: "cmp-07",
    what: "is forced once, although nobody hears whether Nova took it",
    seconds: BEARABLE,
    fault: LOST,
    calls: ["POST"],
    ends: ["failed"],
  },
])(
  "in a session that allows it a move from $host whose bytes no longer fall $what",
  ({ host, seconds, fault, calls = ["DELETE"], ends = [] }) =>
    onStage(async ({ open, ended, api, apiAs, simulator, clock, owners }) => {
      const guest = [...simulator.world.instances.values()].find((one) => one.host === host);
      if (!guest) throw new Error(`${host} has no instance`);
      const project = simulator.world.projects.find(({ id }) => id === guest.project_id);
      const owner = apiAs(simulator.tenants[project?.name ?? ""] ?? simulator.config);
      const said = seconds === undefined ? {} : { max_interruption_time: seconds };
      await putConstraints(owner, "instance", guest.id, { lead_time: 0, ...said });
      const word = { at: clock.now(), instance_id: guest.id, action: "max_interruption_time" };
      owners({ permissions: () => (calls.includes("POST") ? [word] : []) });
      const hangs = { [guest.id]: { live_migration: { outcome: "hang" as const } } };
      simulator.happen({ kind: "driver", faults: hangs });
      if (fault) simulator.happen({ kind: "fault", fault });
      const from = simulator.journal.length;
      const id = await open({ hosts: [host], force_complete: true });
      const asked = () =>
        simulator.journal.slice(from).filter(({ path }) => path.includes(`${guest.id}/migrations`));
      await waitFor("something to be done", () => asked()[0], 60_000);
      simulator.happen({ kind: "clear_faults" });
      const { detail } = await ended(id);

      expect(detail.session.state).toBe("MAINTENANCE_DONE");
      expect(asked().map(({ method }) => method)).toEqual(calls);
      const effects = await listEffects(api, id, host);
      const forces = effects.filter(({ effect }) => effect.startsWith("force_complete"));
      expect(forces.map(({ outcome }) => outcome)).toEqual(ends);
    })(),
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
