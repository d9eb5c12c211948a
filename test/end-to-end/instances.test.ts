import { expect, test } from "vitest";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import type { InstanceSpec, VmState } from "../../localstack/openstack/spec.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const small = { project: "alpha", flavor: "m1.tiny" };

const cloud = {
  ...quickCloud({ hosts: 6, instances: 0 }),
  groups: [
    { name: "together", project: "alpha", policy: "affinity" as const },
    { name: "rather", project: "alpha", policy: "soft-affinity" as const },
  ],
  offloads_shelved: false,
};
cloud.flavors.push({
  name: "gpu",
  vcpus: 1,
  ram: 512,
  disk: 1,
  extra_specs: { "resources:VGPU": "1" },
});
cloud.hosts.push({ name: "cmp-10", cell: "cell2" });

/** Instances that are there from the start, so that the checker knows what they were. */
const there = (host: string, instance: Omit<InstanceSpec, "host" | "project" | "flavor">) =>
  cloud.instances.push({ ...small, host, ...instance });

there("cmp-01", { name: "web" });
there("cmp-01", { name: "paused", vm_state: "paused" });
there("cmp-01", { name: "asleep", vm_state: "stopped" });
there("cmp-01", { name: "on-volume", volumes: 2 });
there("cmp-01", { name: "friend", group: "rather" });
there("cmp-02", { name: "sleeper", vm_state: "stopped" });
there("cmp-02", { name: "broken", vm_state: "error" });
there("cmp-02", { name: "stored", vm_state: "shelved" });
there("cmp-02", { name: "kept", locked: true });
there("cmp-02", { name: "fast", vnic_type: "direct" });
there("cmp-04", { name: "new", vm_state: "building" });

const onStage = theStage({ cloud, settings: { LULL_CONFIRM_SECONDS: "2" } });

const appear = (
  { happen }: Simulator,
  host: string,
  instance: Omit<InstanceSpec, "host" | "project" | "flavor"> & { flavor?: string },
): string => happen({ kind: "appear", instance: { ...small, host, ...instance } }) ?? "";

const idOf = ({ world }: Simulator, name: string): string =>
  [...world.instances.values()].find((one) => one.name === name)?.id ?? "";

const is = ({ world }: Simulator, id: string) => {
  const { host, vm_state } = world.instances.get(id) ?? {};
  return { host, vm_state };
};

const elsewhere = (host: string) => expect.not.stringMatching(`^${host}$`);

/** What the instance was asked to do since, in order. */
const actionsOn = ({ journal }: Simulator, id: string, from: number): string[] =>
  journal
    .slice(from)
    .filter(({ path }) => path === `/servers/${id}/action`)
    .flatMap(({ body }) => Object.keys(Object(body)));

const outcomes = (detail: { readonly instances: readonly object[] }): Record<string, unknown> =>
  Object.fromEntries(
    detail.instances.map((one) => {
      const { instance_name, action, state } = one as Record<string, string>;
      return [instance_name, [action, state]];
    }),
  );

test(
  "instances that run are moved live, those that are shut off are moved cold and stay shut off",
  onStage(async ({ open, ended, simulator }) => {
    const host = "cmp-01";
    const web = idOf(simulator, "web");
    const paused = idOf(simulator, "paused");
    const asleep = idOf(simulator, "asleep");
    const onVolume = idOf(simulator, "on-volume");
    const friend = idOf(simulator, "friend");
    const from = simulator.journal.length;
    const { detail } = await ended(await open({ hosts: [host] }));

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    for (const id of [web, onVolume, friend])
      expect(is(simulator, id)).toEqual({ host: elsewhere(host), vm_state: "active" });
    expect(is(simulator, paused)).toEqual({ host: elsewhere(host), vm_state: "paused" });
    expect(is(simulator, asleep)).toEqual({ host: elsewhere(host), vm_state: "stopped" });
    expect(actionsOn(simulator, asleep, from)).toEqual(["migrate", "confirmResize"]);
    expect(outcomes(detail)).toMatchObject({
      paused: ["LIVE_MIGRATE", "moved"],
      asleep: ["MIGRATE", "moved"],
    });
  }),
);

test(
  "with the session's word, instances are offloaded, left, or stopped for the work and started after it",
  onStage(async ({ open, ended, simulator }) => {
    const host = "cmp-02";
    const asleep = idOf(simulator, "sleeper");
    const broken = idOf(simulator, "broken");
    const stored = idOf(simulator, "stored");
    const kept = idOf(simulator, "kept");
    const fast = idOf(simulator, "fast");
    const from = simulator.journal.length;
    const { detail } = await ended(
      await open({
        hosts: [host],
        policies: {
          shutoff: "stay",
          error: "stay",
          shelved: "offload",
          locked: "move",
          device_bound: "stop_start",
        },
      }),
    );

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(is(simulator, asleep)).toEqual({ host, vm_state: "stopped" });
    expect(is(simulator, broken)).toEqual({ host, vm_state: "error" });
    expect(is(simulator, stored)).toEqual({ host: null, vm_state: "shelved_offloaded" });
    expect(is(simulator, kept)).toEqual({ host: elsewhere(host), vm_state: "active" });
    expect(is(simulator, fast)).toEqual({ host, vm_state: "active" });
    expect(actionsOn(simulator, asleep, from)).toEqual([]);
    expect(actionsOn(simulator, broken, from)).toEqual([]);
    expect(actionsOn(simulator, fast, from)).toEqual(["os-stop", "os-start"]);
    expect(outcomes(detail)).toMatchObject({
      sleeper: ["STAY", "staying"],
      broken: ["STAY", "staying"],
      stored: ["OFFLOAD", "moved"],
      kept: ["LIVE_MIGRATE", "moved"],
      fast: ["STOP_START", expect.any(String)],
    });
  }),
);

type Row = [
  what: string,
  instance: Omit<InstanceSpec, "host" | "project" | "name" | "flavor"> & { flavor?: string },
  rule: string,
  remedy: string,
];
const inState = (vm_state: VmState) => ({ vm_state });

test.each<Row>([
  ["is suspended", inState("suspended"), "status_suspended", "its owner resumes it"],
  ["is in rescue", inState("rescued"), "status_rescue", "unrescues"],
  ["waits for a confirmation", inState("resized"), "status_verify_resize", "confirms or reverts"],
  ["is soft-deleted", inState("soft-delete"), "status_soft_deleted", "reclaimed"],
  ["is shelved", inState("shelved"), "status_shelved", "shelve --offload"],
  ["is in ERROR", inState("error"), "status_error", "repair it"],
  ["is locked", { locked: true }, "locked", "unlocks it"],
  ["has a port on a device", { vnic_type: "direct" }, "device_bound", "(direct)"],
  ["has a vGPU", { flavor: "gpu" }, "device_bound", "a virtual GPU"],
  ["is kept by its group", { group: "together" }, "hard_affinity", "its server group"],
])(
  "an instance that %s blocks the session before anything is touched",
  (_, instance, rule, remedy) =>
    onStage(async ({ open, ended, simulator }) => {
      const host = "cmp-03";
      const id = appear(simulator, host, { name: "in-the-way", ...instance });
      const from = simulator.journal.length;
      const { detail } = await ended(await open({ hosts: [host] }));
      simulator.happen({ kind: "vanish", instance: id });

      expect(detail.session.state).toBe("MAINTENANCE_FAILED");
      expect(detail.attention).toMatchObject([{ code: "preflight_blocked", host, instance: id }]);
      const [{ message } = { message: "" }] = detail.attention;
      expect(message).toMatch(new RegExp(`^${rule}: in-the-way `));
      expect(message).toContain(remedy);
      expect(simulator.journal.slice(from)).toEqual([]);
    })(),
);

test(
  "an instance that is being built is waited for, and moved when it is there",
  onStage(async ({ open, ended, when, simulator }) => {
    const host = "cmp-04";
    const id = idOf(simulator, "new");
    const session = await open({ hosts: [host] });
    await when(session, "the host to wait", ({ hosts }) => hosts[0]?.phase === "MOVING");
    simulator.happen({ kind: "set_instance", instance: id, vm_state: "active" });
    const { detail } = await ended(session);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(is(simulator, id)).toEqual({ host: elsewhere(host), vm_state: "active" });
  }),
);

test(
  "a host whose cell does not answer is not touched, whatever is on it",
  onStage(async ({ open, ended, simulator }) => {
    simulator.happen({ kind: "cell_down", cell: "cell2" });
    const from = simulator.journal.length;
    const { detail } = await ended(await open({ hosts: ["cmp-10"] }));
    simulator.happen({ kind: "cell_up", cell: "cell2" });

    expect(detail.session.state).toBe("MAINTENANCE_FAILED");
    expect(detail.attention[0]?.message).toContain("cell_down");
    expect(simulator.journal.slice(from)).toEqual([]);
  }),
);
