import { describe, expect, test } from "vitest";
import { aCluster, someRules } from "./builders.ts";
import { clusterOf, tiny } from "./clusters.ts";
import { exhaustive, NotExhaustible } from "./exhaustive.ts";

/** A cluster of hosts of 100 units, by the sizes of their instances. */
const holding = (...sizes: number[][]) => ({
  hosts: sizes.map(() => ({})),
  instances: sizes.flatMap((needs, host) => needs.map((need) => ({ host, needs: [need] }))),
});

describe("hosts can be emptied", () => {
  test("one after the other, where each set fits elsewhere", () => {
    expect(exhaustive(aCluster(holding([40], [40], [])), someRules())).toEqual({
      completable: true,
      emptiable: [0, 1, 2],
    });
  });

  test("where another host has to make room first", () => {
    const { emptiable } = exhaustive(aCluster(holding([40], [70], [30, 50])), someRules());
    expect(emptiable).toContain(0);
  });

  test("where moves form a cycle that needs the host itself as a stage", () => {
    // 50s together and 40 + 30 + 30: a 50 has to come to the first host before its 40 can leave.
    const { emptiable } = exhaustive(aCluster(holding([40], [50, 30], [50, 30])), someRules());
    expect(emptiable).toContain(0);
  });

  test("where only their turn gives room: an earlier host has to come back empty", () => {
    expect(exhaustive(aCluster(holding([60], [60], [])), someRules()).completable).toBe(true);
  });

  test("with instances that stay on them", () => {
    const cluster = aCluster({ hosts: [{}], instances: [{ fate: "stays" }] });
    expect(exhaustive(cluster, someRules()).completable).toBe(true);
  });
});

describe("no order of moves empties a host", () => {
  test("when all that is free is less than what is on it", () => {
    expect(exhaustive(aCluster(holding([40], [70])), someRules()).emptiable).toEqual([]);
  });

  test("when what is free lies in pieces", () => {
    expect(exhaustive(aCluster(holding([60], [70], [70])), someRules()).emptiable).toEqual([]);
  });

  test("when a placement without it exists and no move leads there", () => {
    const { hosts, instances } = holding([40], [50, 30], [50, 30]);
    const cluster = aCluster({ hosts: hosts.with(0, { capacity: [40] }), instances });
    expect(exhaustive(cluster, someRules()).emptiable).toEqual([]);
  });

  test("when every other host has a member of the group", () => {
    const cluster = aCluster({
      hosts: [{}, {}],
      instances: [
        { host: 0, groups: [0] },
        { host: 1, groups: [0] },
      ],
      groups: [{ policy: "anti-affinity" }],
    });
    expect(exhaustive(cluster, someRules()).emptiable).toEqual([]);
  });

  test("when room is in another zone only", () => {
    const cluster = aCluster({ hosts: [{}, { zone: "z2" }], instances: [{}] });
    expect(exhaustive(cluster, someRules()).emptiable).toEqual([0, 1]);
    expect(exhaustive(cluster, someRules({ same_zone: true })).emptiable).toEqual([1]);
  });

  test("when an instance is pinned to it", () => {
    const cluster = aCluster({ hosts: [{}, {}], instances: [{ fate: "pinned" }] });
    expect(exhaustive(cluster, someRules()).emptiable).toEqual([1]);
  });
});

test("only hosts that wait for their maintenance are asked about", () => {
  const cluster = aCluster({ hosts: [{}, { job: "none" }], instances: [{}, { host: 1 }] });
  expect(exhaustive(cluster, someRules())).toEqual({ completable: true, emptiable: [0] });
});

test("what cannot be searched exactly is not answered", () => {
  const older = aCluster({ hosts: [{}, { version: 0 }] });
  expect(() => exhaustive(older, someRules())).toThrow(NotExhaustible);
});

test("tiny clusters are of all kinds: all, some, and none of their hosts can be emptied", () => {
  const kinds = Array.from({ length: 200 }, (_, seed) => {
    const { cluster, rules } = clusterOf(tiny(seed), {
      slots: 2,
      work: 1800,
      fix: 8,
      mbps: 1000,
      maxParallel: null,
      sameAz: seed % 2 === 0,
    });
    const { completable, emptiable } = exhaustive(cluster, rules);
    return completable ? "all" : emptiable.length > 0 ? "some" : "none";
  });
  for (const kind of ["all", "some", "none"])
    expect(kinds.filter((one) => one === kind).length).toBeGreaterThan(5);
});
