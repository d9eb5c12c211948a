import { describe, expect, test } from "vitest";
import type { Cluster, Rules } from "../../lib/domain/plan/cluster.ts";
import type { Blocked, Plan } from "../../lib/domain/plan/timeline.ts";
import { aCluster, aPlan, ended, moved, opened, someRules, started, worked } from "./builders.ts";
import { confirms, movesToMakeRoom, verify } from "./verifier.ts";

const SPARE = { job: "none" } as const;
/** Two hosts to maintain with an instance each, and an empty one. */
const cluster = aCluster({ hosts: [{}, {}, SPARE], instances: [{ host: 0 }, { host: 1 }] });

const first = [opened(0, 0), ...moved(0, 0, 0, 2), ...worked(10, 0)];
const second = [opened(110, 1), ...moved(110, 1, 1, 0), ...worked(120, 1)];
const legal = aPlan([...first, ...second]);

/** One host to maintain, two instances on it, two empty hosts. */
const pair = (...parts: Parameters<typeof aCluster>) =>
  aCluster({ hosts: [{}, SPARE, SPARE], ...parts[0] });
const twoMoves = (t: number, to: number) =>
  aPlan([opened(0, 0), ...moved(0, 0, 0, 1), ...moved(t, 1, 0, to), ...worked(t + 10, 0)]);
const atOnce = aPlan([
  opened(0, 0),
  started(0, 0, 0, 1),
  started(0, 1, 0, 2),
  ended(10, 0, 0, 1),
  ended(10, 1, 0, 2),
  ...worked(10, 0),
]);

const brokenRules = (of: Cluster, rules: Rules, plan: Plan) => [
  ...new Set(verify(of, rules, plan).map(({ rule }) => rule)),
];

test("a plan that keeps every rule is accepted", () => {
  expect(verify(cluster, someRules(), legal)).toEqual([]);
});

type Case = {
  readonly rule: string;
  readonly when: string;
  readonly of?: Cluster;
  readonly rules?: Partial<Rules>;
  readonly plan: Plan;
};

const group = (parts: object, ...hosts: number[]) => ({
  instances: hosts.map((host) => ({ host, groups: [0] })),
  groups: [parts],
});
const broken = (timeline: Plan["timeline"], parts: Partial<Plan> = {}) => ({
  ...aPlan(timeline),
  ...parts,
});
const refusal = (parts: Partial<Blocked>): Blocked => ({
  host: 0,
  instance: null,
  rule: "capacity",
  missing: null,
  ...parts,
});

const CASES: readonly Case[] = [
  {
    rule: "order",
    when: "the time falls",
    plan: aPlan([...first, opened(109, 1), ...second.slice(1)]),
  },
  {
    rule: "unknown",
    when: "there is no such host",
    plan: aPlan([opened(0, 9), ...legal.timeline]),
  },
  {
    rule: "source",
    when: "the instance is elsewhere",
    plan: aPlan([started(0, 1, 2, 0), ...legal.timeline]),
  },
  {
    rule: "source",
    when: "the instance is on a host at work",
    of: aCluster({ hosts: [{ job: "working" }, SPARE], instances: [{}] }),
    plan: aPlan([...moved(0, 0, 0, 1), { t: 100, event: "work_end", host: 0 }]),
  },
  {
    rule: "target",
    when: "it is the source",
    plan: aPlan([started(0, 1, 1, 1), ...legal.timeline]),
  },
  {
    rule: "target",
    when: "the host takes no instances",
    of: aCluster({ hosts: [{}, { ...SPARE, takes: false }], instances: [{}] }),
    plan: aPlan([opened(0, 0), ...moved(0, 0, 0, 1), ...worked(10, 0)]),
  },
  {
    rule: "target",
    when: "the host is open",
    of: aCluster({ hosts: [{}, {}, SPARE], instances: [{}] }),
    plan: aPlan([
      opened(0, 0),
      opened(0, 1),
      ...moved(0, 0, 0, 1),
      ...moved(10, 0, 1, 2),
      ...worked(20, 0),
      ...worked(120, 1),
    ]),
  },
  {
    rule: "target",
    when: "the host is at work",
    of: aCluster({ hosts: [{}, { job: "working" }], instances: [{}] }),
    plan: aPlan([
      opened(0, 0),
      ...moved(0, 0, 0, 1),
      { t: 10, event: "work_start", host: 0 },
      { t: 100, event: "work_end", host: 1 },
      { t: 110, event: "work_end", host: 0 },
    ]),
  },
  {
    rule: "one_move",
    when: "the instance moves already",
    plan: aPlan([opened(0, 0), started(0, 0, 0, 2), ...legal.timeline.slice(1)]),
  },
  {
    rule: "duration",
    when: "a move ends too soon",
    plan: aPlan([
      opened(0, 0),
      started(0, 0, 0, 2),
      ended(9, 0, 0, 2),
      ...worked(10, 0),
      ...second,
    ]),
  },
  {
    rule: "start_and_end",
    when: "a move ends that has not begun",
    plan: aPlan([ended(0, 1, 1, 0), ...legal.timeline]),
  },
  {
    rule: "start_and_end",
    when: "a move does not end",
    plan: aPlan([...legal.timeline, started(220, 0, 2, 1)]),
  },
  {
    rule: "start_and_end",
    when: "a move that runs at t = 0 does not end",
    of: aCluster({
      hosts: [SPARE, SPARE],
      instances: [{}],
      moves: [{ instance: 0, to: 1, seconds: 5 }],
    }),
    plan: aPlan([]),
  },
  {
    rule: "lead_seconds",
    when: "the owner has less time than promised",
    of: aCluster({ hosts: [{}, SPARE], instances: [{ lead_seconds: 30 }] }),
    plan: aPlan([opened(0, 0), ...moved(29, 0, 0, 1), ...worked(39, 0)]),
  },
  {
    rule: "lead_seconds",
    when: "time before the host was opened is counted",
    of: aCluster({ hosts: [{}, SPARE], instances: [{ lead_seconds: 30 }] }),
    plan: aPlan([opened(50, 0), ...moved(60, 0, 0, 1), ...worked(70, 0)]),
  },
  {
    rule: "capacity",
    when: "the target is full",
    of: pair({ instances: [{ needs: [51] }, { needs: [50] }], hosts: [{ used: [101] }, SPARE] }),
    plan: twoMoves(10, 1),
  },
  {
    rule: "capacity",
    when: "the target still holds what leaves it",
    of: aCluster({
      hosts: [{}, SPARE, SPARE],
      instances: [{ needs: [60] }, { host: 1, needs: [60] }],
    }),
    plan: aPlan([
      opened(0, 0),
      started(0, 1, 1, 2),
      started(9, 0, 0, 1),
      ended(10, 1, 1, 2),
      ended(19, 0, 0, 1),
      ...worked(19, 0),
    ]),
  },
  {
    rule: "slots",
    when: "a source has more moves than slots",
    of: pair({ instances: [{}, {}] }),
    rules: { slots: 1 },
    plan: atOnce,
  },
  {
    rule: "slots",
    when: "a move runs at t = 0",
    of: aCluster({
      hosts: [{}, SPARE, SPARE],
      instances: [{}, {}],
      moves: [{ instance: 0, to: 1, seconds: 10 }],
    }),
    rules: { slots: 1 },
    plan: aPlan([
      opened(0, 0),
      started(0, 1, 0, 2),
      ended(10, 0, 0, 1),
      ended(10, 1, 0, 2),
      ...worked(10, 0),
    ]),
  },
  {
    rule: "anti-affinity",
    when: "members come together",
    of: aCluster({
      hosts: [{}, SPARE, SPARE],
      ...group({ policy: "anti-affinity" }, 0, 1),
    }),
    plan: aPlan([opened(0, 0), ...moved(0, 0, 0, 1), ...worked(10, 0)]),
  },
  {
    rule: "anti-affinity",
    when: "a member has not left the target yet",
    of: aCluster({
      hosts: [{}, SPARE, SPARE],
      ...group({ policy: "anti-affinity" }, 0, 1),
    }),
    plan: aPlan([
      opened(0, 0),
      started(0, 1, 1, 2),
      started(9, 0, 0, 1),
      ended(10, 1, 1, 2),
      ended(19, 0, 0, 1),
      ...worked(19, 0),
    ]),
  },
  {
    rule: "anti-affinity",
    when: "there are three where two are allowed",
    of: aCluster({
      hosts: [{ capacity: [200] }, { ...SPARE, capacity: [200] }],
      ...group({ policy: "anti-affinity", max_instances_per_host: 2 }, 0, 1, 1),
    }),
    plan: aPlan([opened(0, 0), ...moved(0, 0, 0, 1), ...worked(10, 0)]),
  },
  {
    rule: "max_instances_per_host",
    when: "more members share a host than their group allows",
    of: pair(group({ max_instances_per_host: 1, policy: "soft-anti-affinity" }, 0, 0)),
    plan: twoMoves(10, 1),
  },
  {
    rule: "affinity",
    when: "members part",
    of: pair(group({ policy: "affinity" }, 0, 0)),
    plan: twoMoves(10, 2),
  },
  {
    rule: "affinity",
    when: "members part on their way",
    of: pair(group({ policy: "affinity" }, 0, 0)),
    plan: aPlan([...twoMoves(10, 2).timeline, ...moved(120, 1, 2, 1)]),
  },
  {
    rule: "affinity",
    when: "a member moves on alone",
    of: pair(group({ policy: "affinity" }, 0, 0)),
    plan: aPlan([...twoMoves(10, 1).timeline, ...moved(120, 0, 1, 2)]),
  },
  {
    rule: "same_zone",
    when: "an instance leaves its zone",
    of: aCluster({ hosts: [{}, { ...SPARE, zone: "z2" }], instances: [{}] }),
    rules: { same_zone: true },
    plan: aPlan(first.map((event) => ("to" in event ? { ...event, to: 1 } : event))),
  },
  {
    rule: "cell",
    when: "an instance leaves its cell",
    of: aCluster({ hosts: [{ cell: "c1" }, SPARE, { ...SPARE, cell: "c2" }], instances: [{}] }),
    plan: aPlan(first),
  },
  {
    rule: "version",
    when: "the target is older",
    of: aCluster({ hosts: [{ version: 2 }, SPARE, SPARE], instances: [{}] }),
    plan: aPlan(first),
  },
  {
    rule: "refused",
    when: "the target refused the instance before",
    of: pair({ instances: [{ refused: [2] }] }),
    plan: aPlan(first),
  },
  {
    rule: "max_impacted_members",
    when: "too many members move",
    of: pair(group({ max_impacted_members: 1 }, 0, 0)),
    plan: atOnce,
  },
  {
    rule: "max_impacted_members",
    when: "a member moves while another is down with its host",
    of: aCluster({
      hosts: [{ job: "working" }, {}, SPARE],
      instances: [
        { host: 0, fate: "stays", groups: [0] },
        { host: 1, groups: [0] },
      ],
      groups: [{ max_impacted_members: 1 }],
    }),
    plan: aPlan([
      opened(0, 1),
      ...moved(0, 1, 1, 2),
      { t: 10, event: "work_start", host: 1 },
      { t: 100, event: "work_end", host: 0 },
      { t: 110, event: "work_end", host: 1 },
    ]),
  },
  {
    rule: "max_impacted_members",
    when: "a host goes down with a member while another moves",
    of: aCluster({
      hosts: [{}, SPARE, SPARE],
      instances: [
        { fate: "stays", groups: [0] },
        { host: 1, groups: [0] },
      ],
      groups: [{ max_impacted_members: 1 }],
    }),
    plan: aPlan([
      opened(0, 0),
      started(0, 1, 1, 2),
      { t: 5, event: "work_start", host: 0 },
      ended(10, 1, 1, 2),
      { t: 105, event: "work_end", host: 0 },
    ]),
  },
  {
    rule: "recovery_seconds",
    when: "a member moves too soon after another",
    of: pair(group({ recovery_seconds: 30 }, 0, 0)),
    plan: twoMoves(39, 2),
  },
  {
    rule: "recovery_seconds",
    when: "a member moves too soon after another came up with its host",
    of: aCluster({
      hosts: [{ job: "working" }, {}, SPARE],
      instances: [
        { host: 0, fate: "stays", groups: [0] },
        { host: 1, groups: [0] },
      ],
      groups: [{ recovery_seconds: 30 }],
    }),
    plan: aPlan([
      { t: 100, event: "work_end", host: 0 },
      opened(100, 1),
      ...moved(129, 1, 1, 2),
      ...worked(139, 1),
    ]),
  },
  {
    rule: "recovery_seconds",
    when: "a member goes down with its host too soon after another moved",
    of: aCluster({
      hosts: [{}, SPARE, SPARE],
      instances: [
        { fate: "stays", groups: [0] },
        { host: 1, groups: [0] },
      ],
      groups: [{ recovery_seconds: 30 }],
    }),
    plan: aPlan([opened(0, 0), ...moved(0, 1, 1, 2), ...worked(39, 0)]),
  },
  {
    rule: "pinned",
    when: "it moves",
    of: pair({ instances: [{ fate: "pinned" }] }),
    plan: aPlan(first),
  },
  {
    rule: "stays",
    when: "it moves",
    of: pair({ instances: [{ fate: "stays" }] }),
    plan: aPlan(first),
  },
  {
    rule: "host_open",
    when: "the host is not of the session",
    plan: aPlan([...legal.timeline, opened(220, 2)]),
  },
  {
    rule: "host_open",
    when: "the host is being emptied already",
    of: aCluster({ hosts: [{ job: "emptying" }] }),
    plan: aPlan([opened(0, 0), ...worked(0, 0)]),
  },
  {
    rule: "host_close",
    when: "the host is not open",
    plan: aPlan([{ t: 0, event: "host_close", host: 0 }, ...legal.timeline]),
  },
  {
    rule: "work_start",
    when: "the host was given up",
    of: aCluster({ hosts: [{}] }),
    plan: aPlan([opened(0, 0), { t: 0, event: "host_close", host: 0 }, ...worked(0, 0)]),
  },
  {
    rule: "work_start",
    when: "the host was never opened",
    of: aCluster({ hosts: [{}] }),
    plan: aPlan(worked(0, 0)),
  },
  {
    rule: "work_start",
    when: "the host is worked on a second time",
    plan: aPlan([...legal.timeline, ...worked(220, 1)]),
  },
  {
    rule: "not_empty",
    when: "an instance is left",
    of: pair({ instances: [{}] }),
    plan: aPlan([opened(0, 0), ...worked(0, 0)]),
  },
  {
    rule: "not_empty",
    when: "an instance is on its way to it",
    of: aCluster({
      hosts: [{ job: "emptying" }, SPARE],
      instances: [{ host: 1 }],
      moves: [{ instance: 0, to: 0, seconds: 50 }],
    }),
    plan: aPlan([
      { t: 0, event: "work_start", host: 0 },
      ended(50, 0, 1, 0),
      { t: 100, event: "work_end", host: 0 },
    ]),
  },
  {
    rule: "work_seconds",
    when: "the work ends too soon",
    of: pair({ instances: [{}] }),
    plan: aPlan([...first.slice(0, 3), ...worked(10, 0, 99)]),
  },
  {
    rule: "max_parallel_hosts",
    when: "too many are open",
    rules: { max_parallel_hosts: 1 },
    plan: aPlan([opened(0, 0), opened(0, 1), ...first.slice(1), ...second.slice(1)]),
  },
  {
    rule: "max_parallel_per",
    when: "too many of one kind are open",
    of: aCluster({
      hosts: [{ kinds: ["rack=r1"], job: "working" }, { kinds: ["rack=r1"] }],
    }),
    rules: { max_parallel_per: { "rack=r1": 1 } },
    plan: aPlan([
      opened(50, 1),
      { t: 50, event: "work_start", host: 1 },
      { t: 100, event: "work_end", host: 0 },
      { t: 150, event: "work_end", host: 1 },
    ]),
  },
  {
    rule: "reserve",
    when: "the zone keeps less than its largest host",
    of: aCluster({ hosts: [{}, SPARE, { ...SPARE, zone: "z2" }], instances: [{}] }),
    rules: { reserve_hosts: 1 },
    plan: aPlan(first),
  },
  {
    rule: "ends_in_seconds",
    when: "a host is done too late",
    rules: { ends_in_seconds: 219 },
    plan: legal,
  },
  {
    rule: "makespan_seconds",
    when: "it is another",
    plan: broken(legal.timeline, { makespan_seconds: 219 }),
  },
  { rule: "migrations", when: "it is another", plan: broken(legal.timeline, { migrations: 1 }) },
  { rule: "each_host_once", when: "a host is left out", plan: aPlan(first) },
  {
    rule: "each_host_once",
    when: "a host is maintained and refused",
    plan: aPlan(legal.timeline, [refusal({ host: 1 })]),
  },
  {
    rule: "each_host_once",
    when: "a host is refused that nobody asked for",
    plan: aPlan(legal.timeline, [refusal({ host: 2 })]),
  },
];

describe("a plan is refused by the name of the one rule it breaks", () => {
  test.each(CASES)("$rule: $when", ({ rule, of = cluster, rules, plan }) => {
    expect(brokenRules(of, someRules(rules), plan)).toEqual([rule]);
  });
});

test("moves between hosts that are not open are legal and counted", () => {
  const plan = aPlan([...moved(0, 1, 1, 2), ...legal.timeline.slice(0, 1)]);
  expect(movesToMakeRoom(cluster, someRules(), plan)).toBe(1);
});

describe("what may look wrong and is right", () => {
  test("members of an affinity group go to one host one after the other", () => {
    const of = pair(group({ policy: "affinity" }, 0, 0));
    expect(verify(of, someRules(), twoMoves(10, 1))).toEqual([]);
  });

  test("a move that runs at t = 0 ends when it is said to, its room booked once", () => {
    const of = aCluster({
      hosts: [{ job: "emptying" }, SPARE],
      instances: [{ needs: [60] }, { needs: [40] }],
      moves: [{ instance: 0, to: 1, seconds: 5 }],
    });
    const plan = aPlan([ended(5, 0, 0, 1), ...moved(5, 1, 0, 1), ...worked(15, 0)]);
    expect(verify(of, someRules(), plan)).toEqual([]);
  });

  test("a host that was given up takes instances until it is opened again", () => {
    const plan = aPlan([
      opened(0, 1),
      { t: 0, event: "host_close", host: 1 },
      opened(0, 0),
      ...moved(0, 0, 0, 1),
      ...worked(10, 0),
      opened(110, 1),
      ...moved(110, 0, 1, 0),
      ...moved(120, 1, 1, 0),
      ...worked(130, 1),
    ]);
    expect(verify(cluster, someRules({ max_parallel_hosts: 1 }), plan)).toEqual([]);
  });

  test("a host goes to work with those that stay and with what nobody listed", () => {
    const of = aCluster({ hosts: [{ used: [70] }], instances: [{ fate: "stays" }] });
    expect(verify(of, someRules(), aPlan([opened(0, 0), ...worked(0, 0)]))).toEqual([]);
  });

  test("the lead time of an instance that makes room counts from t = 0", () => {
    const of = aCluster({ hosts: [{}, SPARE, SPARE], instances: [{ host: 1, lead_seconds: 20 }] });
    const plan = aPlan([opened(0, 0), ...worked(0, 0), ...moved(100, 0, 1, 2)]);
    expect(verify(of, someRules(), plan)).toEqual([]);
  });
});

type Claim = {
  readonly says: string;
  readonly of: Cluster;
  readonly rules?: Partial<Rules>;
  readonly plan?: Plan;
  readonly blocked: Partial<Blocked>;
};

const isConfirmed = ({ of, rules, plan = aPlan([]), blocked }: Claim) =>
  confirms(of, someRules(rules), { ...plan, blocked: [refusal(blocked)] }).length === 0;

const twoHosts = (...instances: Parameters<typeof aCluster>[0]["instances"] & object) =>
  aCluster({ hosts: [{}, SPARE], instances });

describe("a refusal that is true is confirmed", () => {
  const TRUE: readonly Claim[] = [
    {
      says: "pinned",
      of: twoHosts({ fate: "pinned" }),
      blocked: { rule: "pinned", instance: 0 },
    },
    {
      says: "no_target: the only other host refused it",
      of: twoHosts({ refused: [1] }),
      blocked: { rule: "no_target", instance: 0 },
    },
    {
      says: "capacity: the instance lacks so much",
      of: twoHosts({}, { host: 1, needs: [70] }),
      blocked: { rule: "capacity", instance: 0, missing: [10] },
    },
    {
      says: "capacity: the whole set exceeds all there is",
      of: twoHosts({}, {}, { host: 1 }),
      blocked: { rule: "capacity", missing: [20] },
    },
    {
      says: "anti-affinity: every other host has a member",
      of: aCluster({ hosts: [{}, SPARE], ...group({ policy: "anti-affinity" }, 0, 1) }),
      blocked: { rule: "anti-affinity", instance: 0 },
    },
    {
      says: "max_instances_per_host: every other host has a member",
      of: aCluster({ hosts: [{}, SPARE], ...group({ max_instances_per_host: 1 }, 0, 1) }),
      blocked: { rule: "max_instances_per_host", instance: 0 },
    },
    {
      says: "anti-affinity: the host with the other member was opened and not maintained",
      of: aCluster({ hosts: [{}, {}], ...group({ policy: "anti-affinity" }, 0, 1) }),
      plan: aPlan([opened(0, 1)]),
      blocked: { rule: "anti-affinity", instance: 0 },
    },
    {
      says: "capacity: the whole set exceeds what its cell has",
      of: aCluster({
        hosts: [{ cell: "c1" }, { ...SPARE, cell: "c1", used: [40] }, { ...SPARE, cell: "c2" }],
        instances: [{}, {}],
      }),
      blocked: { rule: "capacity", instance: 0, missing: [20] },
    },
    {
      says: "affinity: each finds room, but not both",
      of: aCluster({
        hosts: [{}, { ...SPARE, used: [40] }, { ...SPARE, used: [40] }],
        ...group({ policy: "affinity" }, 0, 0),
      }),
      blocked: { rule: "affinity", instance: 0 },
    },
    {
      says: "max_impacted_members: two go down with the host where one may",
      of: aCluster({
        hosts: [{}],
        instances: [
          { fate: "stays", groups: [0] },
          { fate: "stays", groups: [0] },
        ],
        groups: [{ max_impacted_members: 1 }],
      }),
      blocked: { rule: "max_impacted_members" },
    },
    {
      says: "window: work alone takes longer",
      of: twoHosts({}),
      rules: { ends_in_seconds: 90 },
      blocked: { rule: "window" },
    },
    {
      says: "reserve: nothing would stay free",
      of: twoHosts({}),
      rules: { reserve_hosts: 1 },
      blocked: { rule: "reserve" },
    },
    {
      says: "not_found: nothing is proven",
      of: aCluster({
        hosts: [{}, SPARE, SPARE],
        instances: [{ needs: [60] }, { host: 1, needs: [50] }, { host: 2, needs: [50] }],
      }),
      blocked: { rule: "not_found", instance: 0, missing: [10] },
    },
    {
      says: "capacity: room that is left on several hosts does not add up",
      of: aCluster({
        hosts: [{}, { ...SPARE, used: [70] }, { ...SPARE, used: [70] }],
        instances: [{}, {}],
      }),
      blocked: { rule: "capacity", instance: 0, missing: [50] },
    },
  ];
  test.each(TRUE)("$says", (claim) => expect(isConfirmed(claim)).toBe(true));
});

describe("a refusal that is not true is found out", () => {
  const UNTRUE: readonly Claim[] = [
    { says: "pinned: it moves", of: twoHosts({}), blocked: { rule: "pinned", instance: 0 } },
    {
      says: "pinned: it is on another host",
      of: twoHosts({ host: 1, fate: "pinned" }),
      blocked: { rule: "pinned", instance: 0 },
    },
    {
      says: "no_target: a full host would be allowed",
      of: twoHosts({}, { host: 1, needs: [100] }),
      blocked: { rule: "no_target", instance: 0 },
    },
    {
      says: "capacity: it fits",
      of: twoHosts({}),
      blocked: { rule: "capacity", instance: 0, missing: [10] },
    },
    {
      says: "capacity: less is said to be missing than is",
      of: twoHosts({}, { host: 1, needs: [70] }),
      blocked: { rule: "capacity", instance: 0, missing: [9] },
    },
    {
      says: "capacity: more is said to be missing than is",
      of: twoHosts({}, { host: 1, needs: [70] }),
      blocked: { rule: "capacity", instance: 0, missing: [11] },
    },
    {
      says: "capacity: more is said to be missing than is for the whole set, which could be placed better",
      of: aCluster({
        hosts: [{}, { ...SPARE, used: [20] }, { ...SPARE, used: [40] }],
        instances: [{ needs: [50] }, { needs: [40] }, { needs: [30] }, { needs: [30] }],
      }),
      blocked: { rule: "capacity", instance: 3, missing: [20] },
    },
    {
      says: "not_found: an instance finds no place, and nothing is said to be missing",
      of: aCluster({
        hosts: [{}, SPARE, SPARE],
        instances: [{ needs: [60] }, { host: 1, needs: [50] }, { host: 2, needs: [50] }],
      }),
      blocked: { rule: "not_found", instance: 0 },
    },
    {
      says: "capacity: memory is said to be missing where only processors are",
      of: {
        ...aCluster({
          hosts: [
            { capacity: [100, 10], used: [10, 4] },
            { ...SPARE, capacity: [100, 10], used: [0, 7] },
          ],
          instances: [{ needs: [10, 4] }],
        }),
        resources: ["MEMORY_MB", "VCPU"],
      },
      blocked: { rule: "capacity", instance: 0, missing: [10, 1] },
    },
    {
      says: "capacity: it fits on a host that was opened and not maintained",
      of: aCluster({ hosts: [{}, {}], instances: [{}] }),
      plan: aPlan([opened(0, 1)]),
      blocked: { rule: "capacity", instance: 0, missing: [10] },
    },
    {
      says: "not_found: volume proves it for its cell",
      of: aCluster({
        hosts: [{ cell: "c1" }, { ...SPARE, cell: "c1", used: [70] }, { ...SPARE, cell: "c2" }],
        instances: [{}],
      }),
      blocked: { rule: "not_found", instance: 0, missing: [10] },
    },
    {
      says: "capacity: nothing is said to be missing",
      of: twoHosts({}, { host: 1, needs: [70] }),
      blocked: { rule: "capacity", instance: 0, missing: null },
    },
    {
      says: "capacity: it fits after the moves of the plan",
      of: aCluster({
        hosts: [{}, SPARE, SPARE],
        instances: [{ needs: [60] }, { host: 1, needs: [60] }, { host: 2 }],
      }),
      plan: aPlan(moved(0, 1, 1, 2)),
      blocked: { rule: "capacity", instance: 0, missing: [20] },
    },
    {
      says: "anti-affinity: a host without a member has room",
      of: aCluster({ hosts: [{}, SPARE, SPARE], ...group({ policy: "anti-affinity" }, 0, 1) }),
      blocked: { rule: "anti-affinity", instance: 0 },
    },
    {
      says: "max_instances_per_host: it is anti-affinity that keeps it",
      of: aCluster({ hosts: [{}, SPARE], ...group({ policy: "anti-affinity" }, 0, 1) }),
      blocked: { rule: "max_instances_per_host", instance: 0 },
    },
    {
      says: "affinity: both find room",
      of: aCluster({ hosts: [{}, SPARE], ...group({ policy: "affinity" }, 0, 0) }),
      blocked: { rule: "affinity", instance: 0 },
    },
    {
      says: "max_impacted_members: two go down with the host where two may",
      of: aCluster({
        hosts: [{}],
        instances: [
          { fate: "stays", groups: [0] },
          { fate: "stays", groups: [0] },
        ],
        groups: [{ max_impacted_members: 2 }],
      }),
      blocked: { rule: "max_impacted_members" },
    },
    {
      says: "window: there is time enough",
      of: twoHosts({}),
      rules: { ends_in_seconds: 110 },
      blocked: { rule: "window" },
    },
    {
      says: "reserve: a whole host stays free",
      of: aCluster({ hosts: [{}, SPARE, SPARE], instances: [{}] }),
      rules: { reserve_hosts: 1 },
      blocked: { rule: "reserve" },
    },
    {
      says: "not_found: volume proves it",
      of: twoHosts({}, { host: 1, needs: [70] }),
      blocked: { rule: "not_found", instance: 0, missing: [10] },
    },
    {
      says: "not_found: it is larger than any other host",
      of: aCluster({
        hosts: [{}, { ...SPARE, capacity: [30] }, { ...SPARE, capacity: [30] }],
        instances: [{}],
      }),
      blocked: { rule: "not_found", instance: 0, missing: [10] },
    },
    {
      says: "not_found: the group has a member for every host",
      of: aCluster({ hosts: [{}, SPARE], ...group({ policy: "anti-affinity" }, 0, 1) }),
      blocked: { rule: "not_found", instance: 0, missing: [40] },
    },
    {
      says: "not_found: one is pinned",
      of: twoHosts({ fate: "pinned" }),
      blocked: { rule: "not_found" },
    },
    {
      says: "room is missing where it is not",
      of: twoHosts({ fate: "pinned" }),
      blocked: { rule: "pinned", instance: 0, missing: [1] },
    },
  ];
  test.each(UNTRUE)("$says", (claim) => expect(isConfirmed(claim)).toBe(false));
});
