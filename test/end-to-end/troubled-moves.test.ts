import { expect, test } from "vitest";
import { waitFor } from "../../localstack/demo/stage.ts";
import type { Deed } from "../../localstack/openstack/deeds.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const quick = quickCloud({ hosts: 5, instances: 10 });
/** An offload takes longer than a call may be on its way. */
const cloud = { ...quick, timing: { ...quick.timing, shelve_ms: 90_000, forget_host_ms: 30_000 } };
cloud.hosts.push({ name: "cmp-06" });
cloud.instances.push({
  name: "asleep",
  project: "alpha",
  flavor: "m1.tiny",
  host: "cmp-06",
  vm_state: "suspended",
});

cloud.hosts.push({ name: "cmp-07" });
cloud.instances.push({
  name: "stored",
  project: "alpha",
  flavor: "m1.tiny",
  host: "cmp-07",
  vm_state: "shelved",
});

const onStage = theStage({ cloud });

const guestOf = ({ world }: Simulator, host: string) => {
  const guest = [...world.instances.values()].find((one) => one.host === host);
  if (!guest) throw new Error(`${host} has no instance`);
  return guest;
};

type FaultEffect = Extract<Deed, { kind: "fault" }>["fault"]["effect"];

const acceptedMoves = ({ journal }: Simulator, instance: string, from: number) =>
  journal
    .slice(from)
    .filter(
      ({ path, body }) =>
        path.includes(instance) && JSON.stringify(body).includes("os-migrateLive"),
    );

test(
  "an instance that cannot move blocks the session before anything is touched, by name",
  onStage(async ({ open, ended, simulator }) => {
    const guest = guestOf(simulator, "cmp-06");
    const calls = simulator.journal.length;
    const { detail } = await ended(await open({ hosts: ["cmp-01", "cmp-06"] }));

    expect(detail.session.state).toBe("MAINTENANCE_FAILED");
    expect(detail.attention).toMatchObject([
      { code: "preflight_blocked", host: "cmp-06", instance: guest.id },
    ]);
    expect(detail.attention[0]?.message).toContain("asleep");
    expect(detail.hosts.map(({ started_at }) => started_at)).toEqual([null, null]);
    expect(simulator.journal.slice(calls)).toEqual([]);
  }),
);

test(
  "an instance whose migration fails is moved to another host",
  onStage(async ({ open, ended, simulator }) => {
    const { migrations, hosts } = simulator.world;
    const from = migrations.length;
    const failing = (names: Iterable<string>) =>
      simulator.happen({
        kind: "driver",
        faults: Object.fromEntries(
          [...names].map((host) => [host, { pre_migration: { outcome: "fail" as const } }]),
        ),
      });
    failing(hosts.keys());
    const id = await open({ hosts: ["cmp-02"] });
    const failed = await waitFor(
      "a migration to fail",
      () => migrations.slice(from).find(({ status }) => status === "failed"),
      60_000,
    );
    failing([failed.dest ?? ""]);
    const { detail } = await ended(id);
    simulator.happen({ kind: "clear_faults" });

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    const tries = migrations.slice(from).filter((one) => one.instance_id === failed.instance_id);
    expect(tries.map(({ status }) => status)).toEqual(["failed", "completed"]);
    expect(tries[1]?.dest).not.toBe(failed.dest);
  }),
);

test.each([
  ["is lost with its connection", "reset_after"],
  ["never comes", "lose_answer"],
] as const)("a move whose answer %s is made once", (_, kind) =>
  onStage(async ({ open, ended, simulator }) => {
    const host = kind === "reset_after" ? "cmp-03" : "cmp-04";
    const guest = guestOf(simulator, host);
    const from = simulator.journal.length;
    simulator.happen({
      kind: "fault",
      fault: { path: `/servers/${guest.id}/action`, times: 1, effect: { kind } },
    });
    const { detail } = await ended(await open({ hosts: [host] }));

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(acceptedMoves(simulator, guest.id, from)).toHaveLength(1);
  })(),
);

test(
  "a move whose row says error while its server still migrates has not failed",
  onStage(async ({ open, ended, simulator }) => {
    const host = "cmp-01";
    const guest = guestOf(simulator, host);
    const from = simulator.journal.length;
    simulator.happen({
      kind: "driver",
      faults: { [guest.id]: { live_migration: { seconds: 40 } } },
    });
    const id = await open({ hosts: [host] });
    const row = await waitFor(
      "the transfer",
      () =>
        simulator.world.migrations.find(
          ({ instance_id, status }) => instance_id === guest.id && status === "running",
        ),
      60_000,
    );
    row.status = "error";
    const { detail } = await ended(id);
    simulator.happen({ kind: "clear_faults" });

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.instances.find(({ instance_id }) => instance_id === guest.id)).toMatchObject({
      state: "moved",
    });
    expect(acceptedMoves(simulator, guest.id, from)).toHaveLength(1);
  }),
);

test(
  "an instance that Nova offloads slowly has not failed to be, though its host is named to the last",
  onStage(async ({ open, ended, simulator }) => {
    const guest = [...simulator.world.instances.values()].find(({ name }) => name === "stored");
    const { detail } = await ended(
      await open({ hosts: ["cmp-07"], policies: { shelved: "offload" } }),
    );

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(guest).toMatchObject({ host: null, vm_state: "shelved_offloaded" });
    expect(detail.instances.find(({ instance_id }) => instance_id === guest?.id)).toMatchObject({
      action: "OFFLOAD",
      state: "moved",
    });
  }),
);

test(
  "a cloud that fails, breaks off and asks for patience only costs time",
  onStage(async ({ open, ended, simulator }) => {
    const happen = (times: number, path: string, effect: FaultEffect) =>
      simulator.happen({ kind: "fault", fault: { service: "compute", path, times, effect } });
    happen(2, "os-services", { kind: "error", status: 503 });
    happen(1, "/servers", { kind: "error", status: 500 });
    happen(1, "/servers/detail", { kind: "error", status: 429, retry_after: 1 });
    happen(2, "os-migrations", { kind: "reset_before" });
    const { detail } = await ended(await open({ hosts: ["cmp-05"] }));
    simulator.happen({ kind: "clear_faults" });

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.attention).toEqual([]);
  }),
);
