import { expect, test } from "vitest";
import { grade } from "./grade.ts";

const CLUSTER = {
  hosts: [0, 1, 2].map((n) => ({
    name: `h${n}`,
    az: n === 2 ? "z2" : "z1",
    mem: 100,
    cpu: 4,
    used: n === 2 ? 0 : 40,
    vcpu: n === 2 ? 0 : 4,
  })),
  vms: [0, 1].map((host) => ({ name: `v${host}`, mem: 40, vcpu: 4, host, aa: null, sec: null })),
};
const OPTIONS = { slots: 1, work: 100, fix: 6, mbps: 10, maxParallel: null, sameAz: false };

const move = (t: number, vm: string | number, from: string | number, to: string | number) => [
  { t, event: "migrate_start", vm, from, to },
  { t: t + 10, event: "migrate_end", vm, from, to },
];
const work = (t: number, host: string | number, seconds = 100) => [
  { t, event: "work_start", host },
  { t: t + seconds, event: "work_end", host },
];
const TIMELINE = [
  ...move(0, "v0", "h0", "h2"),
  ...work(10, "h0"),
  ...move(110, 1, 1, 0),
  ...work(120, 1),
  ...move(220, "v0", "h2", "h1"),
  ...work(230, "h2"),
];
const OUTPUT = {
  plan_seconds: 0.1,
  makespan_seconds: 330,
  migrations: 3,
  complete: true,
  blocked: [],
  timeline: TIMELINE,
};
const atOnce = [
  TIMELINE[0],
  { t: 0, event: "migrate_start", vm: 1, from: 1, to: 2 },
  ...TIMELINE.slice(1),
];
const vms = (...parts: object[]) => ({
  ...CLUSTER,
  vms: CLUSTER.vms.map((vm, n) => ({ ...vm, ...parts[n] })),
});

test("a plan that keeps every rule has no fault, by name or by index", () => {
  expect(grade(CLUSTER, OPTIONS, OUTPUT)).toEqual([]);
});

test.each<[string, string, Partial<typeof CLUSTER>, object, object]>([
  ["time that falls", "time falls", {}, {}, { timeline: [...TIMELINE, ...work(1, "h0")] }],
  ["a host it does not have", "nobody knows", {}, {}, { timeline: work(0, "h9") }],
  [
    "an instance the cluster does not have",
    "nobody knows this",
    {},
    {},
    { timeline: [...move(0, "v9", 0, 2), ...TIMELINE] },
  ],
  [
    "a blocked host the cluster does not have",
    "what is blocked",
    {},
    {},
    { blocked: [{ host: "h9", instance: null, rule: "capacity" }] },
  ],
  ["an instance elsewhere", "elsewhere", {}, {}, { timeline: move(0, 0, 1, 2) }],
  ["a move to its source", "goes nowhere", {}, {}, { timeline: move(0, 0, 0, 0) }],
  [
    "two moves of an instance",
    "moving already",
    {},
    {},
    { timeline: [TIMELINE[0], TIMELINE[0], ...TIMELINE.slice(1)] },
  ],
  [
    "a target at work",
    "a host at work",
    {},
    {},
    { timeline: [...work(0, 2).slice(0, 1), ...move(0, 0, 0, 2), ...work(0, 2).slice(1)] },
  ],
  [
    "too little memory",
    "too little memory",
    vms({ mem: 61 }),
    {},
    { timeline: [...move(0, 0, 0, 1), ...work(10, 0)] },
  ],
  [
    "too few processors",
    "too few processors",
    vms({ vcpu: 13 }),
    {},
    { timeline: [...move(0, 0, 0, 1), ...work(10, 0)] },
  ],
  ["too many moves at once", "too many moves", {}, {}, { timeline: atOnce }],
  [
    "two members on a host",
    "anti-affinity",
    vms({ aa: "g" }, { aa: "g" }),
    {},
    { timeline: [...move(0, 0, 0, 1), ...work(10, 0)] },
  ],
  ["another zone", "leaves its zone", {}, { sameAz: true }, {}],
  ["a move that begins and has no end", "do not end", {}, {}, { timeline: [TIMELINE[0]] }],
  ["an end without a start", "no such move", {}, {}, { timeline: [TIMELINE[1]] }],
  ["another duration of a move", "the move takes another time", {}, { fix: 7 }, {}],
  ["a host that is not empty", "not empty", {}, {}, { timeline: work(0, 0) }],
  [
    "a host maintained twice",
    "or was",
    {},
    {},
    { timeline: [...TIMELINE, ...work(330, 2)], makespan_seconds: 430 },
  ],
  ["work without a start", "no work has begun", {}, {}, { timeline: [TIMELINE[3]] }],
  ["another duration of the work", "the work takes another time", {}, { work: 99 }, {}],
  ["work that does not end", "does not end", {}, {}, { timeline: TIMELINE.slice(0, -1) }],
  ["another makespan", "makespan_seconds", {}, {}, { makespan_seconds: 300 }],
  ["another number of moves", "migrations", {}, {}, { migrations: 2 }],
  ["complete without being so", "complete is not true", {}, {}, { timeline: TIMELINE.slice(0, 8) }],
  ["a host left out", "either maintained or", {}, {}, { timeline: TIMELINE.slice(0, 8) }],
  [
    "a host both maintained and blocked",
    "either maintained or",
    {},
    {},
    { blocked: [{ host: 0, instance: null, rule: "capacity" }] },
  ],
  [
    "too many hosts at once",
    "maintained at once",
    {},
    { maxParallel: 1, slots: 2 },
    {
      timeline: [...work(0, 2).slice(0, 1), ...atOnce],
    },
  ],
  ["no timeline", "timeline", {}, {}, { timeline: undefined }],
])("a plan is found out that has %s", (_, says, cluster, options, output) => {
  const errors = grade(
    { ...CLUSTER, ...cluster },
    { ...OPTIONS, ...options },
    { ...OUTPUT, ...output },
  );
  expect(errors.join("\n")).toContain(says);
});

test("a host counts as maintained from the first move off it", () => {
  const timeline = [
    ...move(0, "v0", "h0", "h2"),
    ...work(10, "h0"),
    { t: 109, event: "migrate_start", vm: 1, from: 1, to: 2 },
    { t: 119, event: "migrate_end", vm: 1, from: 1, to: 2 },
    ...work(119, "h1"),
  ].sort((a, b) => a.t - b.t);
  const errors = grade(CLUSTER, { ...OPTIONS, maxParallel: 1 }, { ...OUTPUT, timeline });
  expect(errors.join("\n")).toContain("2 hosts are maintained at once at 109");
});
