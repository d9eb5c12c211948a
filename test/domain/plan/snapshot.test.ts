import { describe, expect, test } from "vitest";
import type { GroupConstraints, InstanceConstraints } from "../../../lib/domain/constraints.ts";
import { later } from "../../../lib/domain/instant.ts";
import { learnMoves, learnWork } from "../../../lib/domain/plan/durations.ts";
import {
  type Fleet,
  type FleetHost,
  type FleetInstance,
  type Standing,
  snapshotOf,
} from "../../../lib/domain/plan/snapshot.ts";
import type { Session } from "../../../lib/domain/session.ts";
import { aGuest, aHost, aMove, aSession, NOW } from "../builders.ts";

const durations = { moves: learnMoves([]), work: learnWork([], 600) };

const host = (name: string, but: Partial<FleetHost> = {}): FleetHost => ({
  name,
  zone: "nova",
  cell: null,
  labels: {},
  version: 8,
  capacity: { MEMORY_MB: 64_000, VCPU: 64, CUSTOM_LICENSE: 3 },
  used: { MEMORY_MB: 4_000, VCPU: 4 },
  takes: true,
  leaves: false,
  fitness: {
    service: { state: "up", status: "enabled", disabledReason: null },
    hypervisorType: "QEMU",
    duties: [],
  },
  ...but,
});

type Of = Parameters<typeof aGuest>[0] & Partial<Pick<FleetInstance, "holds" | "constraints">>;

const on = (name: string, { holds = null, constraints = null, ...guest }: Of = {}) => ({
  guest: aGuest(guest),
  host: name,
  holds,
  constraints,
});

const HOSTS = ["cmp-01", "cmp-02", "cmp-03"].map((name) => host(name));

/** Of a session of cmp-01 and cmp-02; cmp-03 is there besides. */
const snapshot = ({
  session = {},
  runs = [],
  moves = [],
  ...fleet
}: Partial<Fleet> & Partial<Standing> & { session?: Partial<Session> } = {}) =>
  snapshotOf(
    aSession({ reserve_hosts: 0, ...session }),
    { hosts: HOSTS, instances: [], groups: [], constraints: new Map(), ...fleet },
    { runs, moves },
    { durations, slots: 1, now: NOW },
  );

const hostsOf = ({ cluster }: ReturnType<typeof snapshot>) =>
  Object.fromEntries(cluster.hosts.map((one) => [one.name, one]));

describe("the hosts of a plan", () => {
  test("are those of the session, which wait for their work, and the others of their zones", () => {
    const { cluster } = snapshot({ hosts: [...HOSTS, host("far", { zone: "az2" })] });

    expect(cluster.hosts.map(({ name, job, takes }) => [name, job, takes])).toEqual([
      ["cmp-01", "waiting", true],
      ["cmp-02", "waiting", true],
      ["cmp-03", "none", true],
    ]);
  });

  test("have all that Placement counts and some instance takes", () => {
    const instances = [on("cmp-01", { holds: { MEMORY_MB: 2_000, CUSTOM_LICENSE: 1 } })];
    const { cluster } = snapshot({ instances });

    expect(cluster.resources).toEqual(["MEMORY_MB", "CUSTOM_LICENSE"]);
    expect(cluster.hosts[0]).toMatchObject({ capacity: [64_000, 3], used: [4_000, 0] });
    expect(cluster.instances[0]?.needs).toEqual([2_000, 1]);
  });

  test("take nothing where they are no targets of the session, or will not come back", () => {
    const named = hostsOf(snapshot({ session: { targets: ["cmp-02"] } }));
    expect([named["cmp-02"]?.takes, named["cmp-03"]?.takes]).toEqual([true, false]);

    const retired = hostsOf(snapshot({ session: { retire: true } }));
    expect([retired["cmp-01"]?.takes, retired["cmp-03"]?.takes]).toEqual([false, true]);
  });

  test("count for the reserve as they do in a session: in service, also where they are no targets", () => {
    const hosts = [...HOSTS, host("other", { takes: false, leaves: true })];
    const off = { ...host("off"), takes: false };
    const seen = hostsOf(
      snapshot({ hosts: [...hosts, off], session: { targets: ["cmp-02"], reserve_hosts: 1 } }),
    );

    expect(Object.values(seen).map(({ name, takes, reserve }) => [name, takes, reserve])).toEqual([
      ["cmp-01", false, "spare"],
      ["cmp-02", true, "spare"],
      ["cmp-03", false, "spare"],
      ["other", false, "burden"],
      ["off", false, "none"],
    ]);
  });

  test("have a reserve of memory and processors, also where no instance takes of them", () => {
    const instances = [on("cmp-01", { holds: { CUSTOM_LICENSE: 1 } })];
    const { cluster, rules } = snapshot({ instances, session: { reserve_hosts: 1 } });

    expect(cluster.resources).toEqual(["MEMORY_MB", "VCPU", "CUSTOM_LICENSE"]);
    expect(rules.reserve_of).toEqual(["MEMORY_MB", "VCPU"]);
  });

  test("are told where Placement knows nothing of them", () => {
    expect(snapshot({ hosts: HOSTS.slice(1) }).unknown).toEqual(["cmp-01"]);
  });

  test("count for what they share with others that the session limits", () => {
    const racks = HOSTS.map((one, n) => ({ ...one, labels: { rack: `r${n}` } }));
    const { cluster, rules } = snapshot({
      hosts: racks,
      session: { max_parallel_per: { rack: 1 } },
    });

    expect(cluster.hosts.map(({ kinds }) => kinds)).toEqual([["rack=r0"], ["rack=r1"], []]);
    expect(rules.max_parallel_per).toMatchObject({ "rack=r0": 1, "rack=r1": 1 });
  });
});

describe("a host of the session that pre-flight would stop at", () => {
  const silent = { state: "UNKNOWN", status: "UNKNOWN", disabledReason: null } as const;
  const up = { state: "up", status: "enabled", disabledReason: null } as const;
  const down = { ...up, state: "down" } as const;
  const first = (fitness: Partial<FleetHost["fitness"]>, session: Partial<Session> = {}) => {
    const [one, ...others] = HOSTS;
    const hosts = one ? [{ ...one, fitness: { ...one.fitness, ...fitness } }, ...others] : [];
    return snapshot({ hosts, instances: [on("cmp-01")], session });
  };

  test.each([
    ["cell_down", { service: silent }],
    ["host_down", { service: down }],
    ["host_auto_disabled", { service: { ...up, disabledReason: "AUTO: no driver" } }],
    ["host_unknown", { service: null }],
    ["duties", { duties: ["nova-conductor"] }],
  ])("(%s) is not maintained in the plan, and told", (rule, fitness) => {
    const seen = first(fitness);

    expect(seen.unfit).toMatchObject([{ host: "cmp-01", rule }]);
    expect(hostsOf(seen)["cmp-01"]?.job).toBe("none");
    expect(seen.cluster.instances).toEqual([]);
  });

  test("is maintained with its duties where they are accepted, or the session is past its pre-flight", () => {
    for (const session of [{ accept_duties: true }, { claimed_at: NOW }])
      expect(first({ duties: ["nova-conductor"] }, session).unfit).toEqual([]);
  });

  test("takes nothing when it dies while it is being emptied", () => {
    const [one = host("cmp-01"), ...others] = HOSTS;
    const dead = { ...one, takes: false, fitness: { ...one.fitness, service: down } };
    const prior = { service_id: "s", status: "enabled", disabled_reason: null } as const;
    const runs = [aHost("cmp-01", { phase: "MOVING", prior })];
    const seen = hostsOf(snapshot({ hosts: [dead, ...others], runs }));

    expect(seen["cmp-01"]).toMatchObject({ job: "none", takes: false, reserve: "none" });
  });

  test("does not stop the plan where it is at work already", () => {
    const runs = [aHost("cmp-01", { phase: "IN_MAINTENANCE" })];
    const hosts = HOSTS.map((one) => ({ ...one, fitness: { ...one.fitness, service: down } }));

    expect(snapshot({ hosts, runs }).unfit).toMatchObject([{ host: "cmp-02" }]);
  });
});

describe("a session that is under way", () => {
  const prior = { service_id: "s", status: "enabled", disabled_reason: null } as const;

  test.each([
    ["CORDONED", null, "cordoned"],
    ["MOVING", null, "emptying"],
    ["IN_MAINTENANCE", null, "working"],
    ["ENABLING", null, "working"],
    ["FINISHED", "maintained", "done"],
    ["FINISHED", "failed", "none"],
    ["FINISHED", "restored", "none"],
  ] as const)("goes on with a host in phase %s (%s) as one that is %s", (phase, outcome, job) => {
    const hosts = HOSTS.map((one) => ({ ...one, takes: one.name !== "cmp-01" }));
    const runs = [aHost("cmp-01", { phase, outcome, prior })];

    expect(hostsOf(snapshot({ hosts, runs }))["cmp-01"]?.job).toBe(job);
  });

  test("has a host wait that is only to be cordoned", () => {
    const runs = [aHost("cmp-01", { phase: "DISABLING", cordon: true, prior })];

    expect(hostsOf(snapshot({ runs }))["cmp-01"]?.job).toBe("cordoned");
  });

  test("begins anew with a host that lets others go first", () => {
    const runs = [aHost("cmp-01", { phase: "RESTORING", waits_again: true, prior })];

    expect(hostsOf(snapshot({ runs }))["cmp-01"]?.job).toBe("waiting");
  });

  test("counts on a host that it has disabled itself, as soon as that has been maintained", () => {
    const hosts = HOSTS.map((one) => ({ ...one, takes: false }));
    const enabled = aHost("cmp-01", { phase: "MOVING", prior });
    const disabled = aHost("cmp-02", { phase: "MOVING", prior: { ...prior, status: "disabled" } });
    const seen = hostsOf(snapshot({ hosts, runs: [enabled, disabled] }));

    expect([seen["cmp-01"]?.takes, seen["cmp-02"]?.takes]).toEqual([true, false]);
  });

  test("waits for the rest of the work that has begun", () => {
    const work_started_at = later(NOW, -200);
    const runs = [aHost("cmp-01", { phase: "IN_MAINTENANCE", prior, work_started_at })];

    expect(hostsOf(snapshot({ runs }))["cmp-01"]?.work_seconds).toBe(400);
  });

  test("lets moves go on that run, and does not try again what was just refused", () => {
    const moving = { state: "moving", destination_host: "cmp-03", started_at: NOW } as const;
    const refusals = [{ host: "cmp-03", at: NOW, times: 1, why: "no" }];
    const { cluster } = snapshot({
      instances: [on("cmp-01"), on("cmp-02", { id: "instance-2" })],
      moves: [
        aMove({ host: "cmp-01", ...moving }),
        aMove({ ...moving, state: "waiting", instance_id: "instance-2", refusals }),
      ],
    });

    expect(cluster.moves).toEqual([{ instance: 0, to: 2, seconds: expect.closeTo(14.1, 1) }]);
    expect(cluster.instances.map(({ refused }) => refused)).toEqual([[], [2]]);
  });
});

describe("an instance", () => {
  test.each([
    ["that runs", {}, "moves"],
    ["that is shut off", { status: "SHUTOFF" }, "moves"],
    ["that is locked", { locked: true }, "pinned"],
    ["of a hard affinity group", { groups: ["affinity"] }, "pinned"],
  ])("%s has the fate that pre-flight gives it: it %s", (_, guest, fate) => {
    expect(snapshot({ instances: [on("cmp-01", guest)] }).cluster.instances).toMatchObject([
      { host: 0, fate },
    ]);
  });

  test("that may not be moved says why, and what to do", () => {
    const { obstacles } = snapshot({ instances: [on("cmp-01", { locked: true })] });

    expect(obstacles.get(0)).toMatchObject({
      rule: "locked",
      what_to_do: expect.stringContaining("unlocks it"),
    });
  });

  test.each([
    ["vetoed", { vetoed: true }],
    ["too_busy", { stalls: 3 }],
    ["tries_used", { tries: 10 }],
  ])("whose move came to nothing (%s) is pinned until an admin has it tried anew", (rule, but) => {
    const instances = [on("cmp-01")];
    const moves = [aMove({ host: "cmp-01", ...but })];
    const session = { retried: { "cmp-01": NOW } };
    const pinned = snapshot({ instances, moves });
    const { cluster } = snapshot({ instances, moves, session });

    expect(pinned.cluster.instances).toMatchObject([{ fate: "pinned" }]);
    expect(pinned.obstacles.get(0)).toMatchObject({
      rule,
      what_to_do: expect.stringContaining("lull maintenance retry"),
    });
    expect(cluster.instances).toMatchObject([{ fate: "moves" }]);
  });

  test("that is on its way for the last time may still arrive", () => {
    const last = { tries: 10, state: "moving", destination_host: "cmp-03" } as const;
    const moves = [aMove({ host: "cmp-01", ...last })];

    expect(snapshot({ instances: [on("cmp-01")], moves }).cluster.instances).toMatchObject([
      { fate: "moves" },
    ]);
  });

  test("that was tried before an admin forgot that is tried again", () => {
    const moves = [aMove({ host: "cmp-01", tries: 10, retried_at: NOW })];

    expect(snapshot({ instances: [on("cmp-01")], moves }).cluster.instances).toMatchObject([
      { fate: "moves" },
    ]);
  });

  test("that is left where it is by policy goes down with its host", () => {
    const { policies } = aSession();
    const session = { policies: { ...policies, shutoff: "stay" as const } };
    const instances = [on("cmp-01", { status: "SHUTOFF" })];

    expect(snapshot({ session, instances }).cluster.instances[0]?.fate).toBe("stays");
  });

  test("that is offloaded needs no target and leaves its room", () => {
    const { policies } = aSession();
    const session = { policies: { ...policies, shelved: "offload" as const } };
    const instances = [on("cmp-01", { status: "SHELVED" }), on("cmp-01", { id: "instance-2" })];
    const { cluster } = snapshot({ session, instances });

    expect(cluster.instances.map(({ id }) => id)).toEqual(["instance-2"]);
    expect(cluster.hosts[0]?.used).toEqual([4_000 - 2_048, 4 - 2]);
  });

  test("elsewhere is no business of the session, unless it shares a group with one of its", () => {
    const groups = [{ id: "g", policy: "anti-affinity", members: ["a", "b"], most: null }];
    const instances = [
      on("cmp-01", { id: "a" }),
      on("cmp-03", { id: "b" }),
      on("cmp-03", { id: "c" }),
    ];
    const { cluster } = snapshot({ instances, groups });

    expect(cluster.instances).toMatchObject([
      { id: "a", fate: "moves", groups: [0] },
      { id: "b", fate: "pinned", groups: [0] },
    ]);
    expect(cluster.groups).toEqual([
      {
        name: "g",
        policy: "anti-affinity",
        max_instances_per_host: 1,
        max_impacted_members: 1,
        recovery_seconds: 0,
      },
    ]);
  });
});

describe("what an owner has said", () => {
  const project_id = "project-1";
  const said = { project_id, group_id: "g1", lead_time: 300 } as InstanceConstraints;
  const group = {
    project_id,
    group_id: "g1",
    anti_affinity_group: false,
    max_instances_per_host: 2,
    max_impacted_members: 3,
    recovery_time: 60,
  } as GroupConstraints;
  const constraints = new Map([["g1", group]]);

  test("is kept: its notice, and what its group bears", () => {
    const { cluster } = snapshot({ instances: [on("cmp-01", { constraints: said })], constraints });

    expect(cluster.instances).toMatchObject([{ lead_seconds: 300, groups: [0] }]);
    expect(cluster.groups).toEqual([
      {
        name: "project-1/g1",
        policy: null,
        max_instances_per_host: 2,
        max_impacted_members: 3,
        recovery_seconds: 60,
      },
    ]);
  });

  test("of an instance of another project does not count", () => {
    const foreign = { ...said, project_id: "project-2" };
    const { cluster } = snapshot({
      instances: [on("cmp-01", { constraints: foreign })],
      constraints,
    });

    expect(cluster.instances).toMatchObject([{ lead_seconds: 0, groups: [] }]);
  });
});

test("a plan ends with the last window", () => {
  const window = { starts_at: later(NOW, 7_200), ends_at: later(NOW, 9_000) };
  const { rules } = snapshot({ session: { ends_at: later(NOW, 3_600), next_windows: [window] } });

  expect(rules).toMatchObject({ slots: 1, same_zone: true, ends_in_seconds: 9_000 });
  expect(snapshot().rules.ends_in_seconds).toBeNull();
});
