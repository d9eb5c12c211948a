import { describe, expect, test } from "vitest";
import { curveOf } from "../../../lib/domain/plan/curve.ts";
import { operationsOf } from "../../../lib/domain/plan/operations.ts";
import { aCluster, ended, moved, opened, started, worked } from "../../planner/builders.ts";

const names = {
  hosts: [{ name: "cmp-01" }, { name: "cmp-02" }],
  instances: [{ id: "i-0" }],
  names: ["web"],
};

describe("the operations of a plan", () => {
  test("are numbered by their beginnings, and each has its end", () => {
    const timeline = [opened(0, 0), ...moved(5, 0, 0, 1), ...worked(15, 0)];

    expect(operationsOf(timeline, names)).toMatchObject([
      { number: 1, what: "open", host: "cmp-01", starts_in: 0, ends_in: 0 },
      {
        number: 2,
        what: "move",
        host: "cmp-01",
        instance_id: "i-0",
        instance_name: "web",
        to: "cmp-02",
        starts_in: 5,
        ends_in: 15,
      },
      { number: 3, what: "work", host: "cmp-01", to: null, starts_in: 15, ends_in: 115 },
    ]);
  });

  test("that ran before begin at once and come first", () => {
    const timeline = [
      opened(2, 1),
      ended(4, 0, 0, 1),
      { t: 9, event: "work_end", host: 0 },
    ] as const;
    const operations = operationsOf(timeline, names);

    expect(
      operations.map(({ number, what, starts_in, ends_in }) => [number, what, starts_in, ends_in]),
    ).toEqual([
      [1, "move", 0, 4],
      [2, "work", 0, 9],
      [3, "open", 2, 2],
    ]);
  });

  test("tell of a host that is opened, given up and opened again", () => {
    const close = { t: 3, event: "host_close", host: 0 } as const;
    const whats = operationsOf([opened(0, 0), close, opened(8, 0)], names);

    expect(whats.map(({ what }) => what)).toEqual(["open", "close", "open"]);
  });
});

describe("the curve of a plan", () => {
  const cluster = aCluster({
    hosts: [{}, {}, { job: "none" }],
    instances: [
      { host: 0, groups: [0] },
      { host: 1, fate: "stays", groups: [] },
    ],
    groups: [{}],
  });
  const at = (t: number, timeline: Parameters<typeof curveOf>[1]) =>
    curveOf(cluster, timeline).findLast(({ starts_in }) => starts_in <= t);

  test("begins with what is free on all hosts that take instances", () => {
    expect(curveOf(cluster, [])).toEqual([
      { starts_in: 0, free: { MEMORY_MB: 220 }, hosts_out: 0, impacted: 0, impacted_members: 0 },
    ]);
  });

  test("counts a host that is open as no room, and a move on both hosts", () => {
    const timeline = [opened(10, 0), started(20, 0, 0, 2), ended(30, 0, 0, 2), ...worked(40, 0)];

    expect(at(10, timeline)).toMatchObject({ free: { MEMORY_MB: 160 }, hosts_out: 1 });
    expect(at(20, timeline)).toMatchObject({
      free: { MEMORY_MB: 120 },
      impacted: 1,
      impacted_members: 1,
    });
    expect(at(30, timeline)).toMatchObject({ free: { MEMORY_MB: 120 }, impacted: 0 });
    expect(at(140, timeline)).toMatchObject({ free: { MEMORY_MB: 220 }, hosts_out: 0 });
  });

  test("counts what goes down with its host", () => {
    const timeline = [opened(0, 1), ...worked(10, 1)];

    expect(at(50, timeline)).toMatchObject({ impacted: 1, impacted_members: 0 });
    expect(at(110, timeline)).toMatchObject({ impacted: 0 });
  });

  test("counts hosts and moves that were under way", () => {
    const running = aCluster({
      hosts: [{ job: "emptying" }, { job: "working" }, { job: "none" }],
      instances: [{ host: 0 }, { host: 1, fate: "stays" }],
      moves: [{ instance: 0, to: 2, seconds: 5 }],
    });

    expect(curveOf(running, [])).toMatchObject([
      { hosts_out: 2, impacted: 2, free: { MEMORY_MB: 60 } },
    ]);
  });

  test("has no more points than can be drawn, each the worst of its stretch", () => {
    const busy = Array.from({ length: 1_000 }, (_, n) => moved(n * 100, 0, 0, 2)).flat();
    const points = curveOf(cluster, busy);

    expect(points.length).toBeLessThanOrEqual(200);
    expect(points.every(({ impacted }) => impacted === 1)).toBe(true);
  });
});
