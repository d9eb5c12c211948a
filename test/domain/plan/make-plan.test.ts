import { describe, expect, test } from "vitest";
import type { Cluster, Rules } from "../../../lib/domain/plan/cluster.ts";
import { makePlan } from "../../../lib/domain/plan/make-plan.ts";
import type { PlanEvent } from "../../../lib/domain/plan/timeline.ts";
import { aCluster, someRules } from "../../planner/builders.ts";

const SPARE = { job: "none" } as const;

const planFor = (cluster: Cluster, rules: Partial<Rules> = {}) =>
  makePlan(cluster, someRules(rules), "fastest");

const worked = (timeline: readonly PlanEvent[]) =>
  timeline.flatMap((event) => (event.event === "work_start" ? [event.host] : []));
const startsOf = (timeline: readonly PlanEvent[]) =>
  timeline.flatMap((event) => (event.event === "migrate_start" ? [event] : []));

describe("a plan", () => {
  test("empties a host, works on it, and puts what follows on hosts that are done", () => {
    const cluster = aCluster({
      hosts: [{}, {}, SPARE],
      instances: [{ host: 0 }, { host: 1, needs: [70] }],
    });
    const { timeline, makespan_seconds, migrations } = planFor(cluster);

    expect(worked(timeline)).toEqual([0, 1]);
    expect(startsOf(timeline).map(({ instance, to }) => [instance, to])).toEqual([
      [0, 2],
      [1, 0],
    ]);
    expect(makespan_seconds).toBe(220);
    expect(migrations).toBe(2);
  });

  test("puts nothing on a host that is cordoned before its work is done", () => {
    const order = (job: "waiting" | "cordoned") => {
      const instances = [{ host: 0 }, { host: 1, needs: [20] }];
      return worked(planFor(aCluster({ hosts: [{}, { job }], instances })).timeline);
    };

    expect(order("waiting")).toEqual([0, 1]);
    // What is on the first host would have to go to the second.
    expect(order("cordoned")).toEqual([1, 0]);
  });

  test("of an empty session is empty", () => {
    expect(planFor(aCluster({ hosts: [SPARE] }))).toMatchObject({
      timeline: [],
      blocked: [],
      makespan_seconds: 0,
    });
  });

  test("goes on from where the session stands", () => {
    const cluster = aCluster({
      hosts: [{ job: "working", work_seconds: 30 }, { job: "emptying" }, { job: "done" }],
      instances: [{ host: 1 }, { host: 1 }],
      moves: [{ instance: 0, to: 2, seconds: 4 }],
    });
    const { timeline } = planFor(cluster);

    expect(timeline).toEqual([
      { t: 0, event: "migrate_start", instance: 1, from: 1, to: 2 },
      { t: 4, event: "migrate_end", instance: 0, from: 1, to: 2 },
      { t: 10, event: "migrate_end", instance: 1, from: 1, to: 2 },
      { t: 10, event: "work_start", host: 1 },
      { t: 30, event: "work_end", host: 0 },
      { t: 110, event: "work_end", host: 1 },
    ]);
  });

  test("takes the zones in the order given", () => {
    const hosts = ["z1", "z2"].flatMap((zone) => [{ zone }, { zone }]);
    const { timeline } = planFor(aCluster({ hosts }), {
      zone_order: ["z2", "z1"],
      max_parallel_hosts: 1,
    });

    expect(worked(timeline)).toEqual([2, 3, 0, 1]);
  });

  test("puts members of a soft group where the group would have them, as far as there is room", () => {
    const groups = [{ policy: "soft-anti-affinity" }] as const;
    const instances = [
      { host: 0, groups: [0] },
      { host: 1, groups: [0], needs: [60] },
    ];
    const roomy = aCluster({ hosts: [{}, SPARE, SPARE], instances, groups });
    const full = aCluster({ hosts: [{}, SPARE], instances, groups });

    expect(startsOf(planFor(roomy).timeline)[0]?.to).toBe(2);
    expect(startsOf(planFor(full).timeline)[0]?.to).toBe(1);
  });

  test("moves an affinity group to one host, or not at all", () => {
    const pair = [
      { host: 0, groups: [0] },
      { host: 0, groups: [0] },
    ];
    const groups = [{ policy: "affinity" }] as const;
    const tight = { ...SPARE, used: [50] };
    const whole = aCluster({ hosts: [{}, tight, SPARE], instances: pair, groups });
    const split = aCluster({ hosts: [{}, tight, tight], instances: pair, groups });

    expect(startsOf(planFor(whole).timeline).map(({ to }) => to)).toEqual([2, 2]);
    expect(planFor(split).blocked).toHaveLength(1);
  });

  test("interrupts no more members of a group at once than it bears, and lets it recover", () => {
    const cluster = aCluster({
      hosts: [{}, SPARE, SPARE],
      instances: [
        { host: 0, groups: [0] },
        { host: 0, groups: [0] },
      ],
      groups: [{ max_impacted_members: 1, recovery_seconds: 60 }],
    });

    expect(startsOf(planFor(cluster).timeline).map(({ t }) => t)).toEqual([0, 70]);
  });

  test("moves nothing before its owner has had the time to answer", () => {
    const cluster = aCluster({
      hosts: [{}, SPARE],
      instances: [{ host: 0, lead_seconds: 300 }],
    });

    expect(startsOf(planFor(cluster).timeline).map(({ t }) => t)).toEqual([300]);
  });

  test("opens no host that would not be done in the window", () => {
    const cluster = aCluster({ hosts: [{}, {}, SPARE], instances: [{ host: 0 }, { host: 1 }] });
    const { timeline, blocked } = planFor(cluster, {
      ends_in_seconds: 150,
      max_parallel_hosts: 1,
    });

    expect(worked(timeline)).toEqual([0]);
    expect(blocked).toEqual([{ host: 1, instance: null, rule: "window", missing: null }]);
  });
});

test("a plan empties no host for whose work the window is too short in the end", () => {
  const cluster = aCluster({
    hosts: [{}, {}, { ...SPARE, capacity: [200] }],
    instances: [0, 0, 1, 1].map((host) => ({ host })),
  });
  const { timeline, blocked } = planFor(cluster, { ends_in_seconds: 125, slots: 1 });

  expect(worked(timeline)).toEqual([0]);
  expect(blocked).toMatchObject([{ host: 1, rule: "window" }]);
  expect(startsOf(timeline).map(({ from }) => from)).toEqual([0, 0]);
});

describe("a host that cannot be maintained", () => {
  test("is named with the instance that has no place, and what it lacks", () => {
    const cluster = aCluster({
      hosts: [{}, { ...SPARE, used: [80] }],
      instances: [{ host: 0, needs: [30] }],
    });

    expect(planFor(cluster).blocked).toEqual([
      { host: 0, instance: 0, rule: "capacity", missing: [10] },
    ]);
  });

  test("keeps no other from being maintained", () => {
    const cluster = aCluster({
      hosts: [{}, {}, SPARE],
      instances: [{ host: 0, fate: "pinned" }, { host: 1 }],
    });
    const { timeline, blocked } = planFor(cluster);

    expect(worked(timeline)).toEqual([1]);
    expect(blocked).toEqual([{ host: 0, instance: 0, rule: "pinned", missing: null }]);
  });

  test.each([
    ["no_target", { instances: [{ host: 0, refused: [1] }] }],
    [
      "anti-affinity",
      {
        instances: [
          { host: 0, groups: [0] },
          { host: 1, groups: [0] },
        ],
        groups: [{ policy: "anti-affinity" as const }],
      },
    ],
    [
      "max_instances_per_host",
      {
        instances: [
          { host: 0, groups: [0] },
          { host: 1, groups: [0] },
        ],
        groups: [{ max_instances_per_host: 1 }],
      },
    ],
    [
      "max_impacted_members",
      {
        instances: [
          { host: 0, groups: [0], fate: "stays" as const },
          { host: 0, groups: [0], fate: "stays" as const },
        ],
        groups: [{ max_impacted_members: 1 }],
      },
    ],
  ])("is refused because of %s", (rule, parts) => {
    const cluster = aCluster({ hosts: [{}, SPARE], ...parts });

    expect(planFor(cluster).blocked).toMatchObject([{ host: 0, rule }]);
  });

  test("is refused because of the reserve of its zone", () => {
    const cluster = aCluster({ hosts: [{}, SPARE], instances: [{ host: 0 }] });

    expect(planFor(cluster, { reserve_hosts: 1 }).blocked).toEqual([
      { host: 0, instance: null, rule: "reserve", missing: [40] },
    ]);
    expect(planFor(cluster, { reserve_hosts: 1, reserve_of: ["VCPU"] }).blocked).toEqual([]);
  });

  test("is refused because what another session is emptying needs the reserve", () => {
    const other = { ...SPARE, takes: false, used: [70] };
    const reasons = (reserve: "burden" | "none") =>
      planFor(
        aCluster({ hosts: [{}, SPARE, SPARE, { ...other, reserve }], instances: [{ host: 0 }] }),
        { reserve_hosts: 1 },
      ).blocked;

    expect(reasons("none")).toEqual([]);
    expect(reasons("burden")).toMatchObject([{ host: 0, rule: "reserve", missing: [10] }]);
  });
});

test("a host is emptied although nothing fits at first: two instances change places", () => {
  const cluster = aCluster({
    hosts: [{}, {}, {}],
    instances: [
      { host: 0, needs: [60] },
      { host: 1, needs: [30] },
      { host: 1, needs: [20] },
      { host: 2, needs: [50] },
    ],
  });

  expect(planFor(cluster).blocked).toEqual([]);
});
