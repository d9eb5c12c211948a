import { describe, expect, test } from "vitest";
import type { Cluster, Rules } from "../../lib/domain/plan/cluster.ts";
import {
  type BenchCluster,
  clusterOf,
  fragmented,
  MIXED,
  odd,
  PRIMES,
  small,
  uniform,
} from "./clusters.ts";
import { random } from "./random-cluster.ts";
import { mayImpact } from "./rule.ts";
import { at, freeOn, mostOnOneHost, worldOf } from "./world.ts";

const OPTIONS = { slots: 2, work: 1800, fix: 8, mbps: 1000, maxParallel: null, sameAz: false };
const groups = { share: 0.3, size: 3 };

/** What of the rules a cluster breaks before anything has moved. */
const illegal = (cluster: Cluster, rules: Rules): string[] => {
  const world = worldOf(cluster, rules);
  const overfull = [...cluster.hosts.keys()].flatMap((host) =>
    cluster.resources.filter((_, r) => freeOn(world, host, r) < 0).map((name) => `${name} ${host}`),
  );
  const crowded = cluster.groups.flatMap((group, index) =>
    [...at(world.members, index).values()].some((count) => count > mostOnOneHost(group))
      ? [group.name]
      : [],
  );
  const impacted = [...cluster.groups.keys()].filter((group) => !mayImpact(world, group, 0));
  const busy = world.busy.filter((moves) => moves > rules.slots);
  return [...overfull, ...crowded, ...impacted.map(String), ...busy.map(String)];
};

const loadOf = ({ hosts }: BenchCluster) =>
  hosts.reduce((sum, { used }) => sum + used, 0) / hosts.reduce((sum, { mem }) => sum + mem, 0);

const FAMILIES: readonly [string, (seed: number) => BenchCluster][] = [
  ["uniform", (seed) => uniform(30, 0.85, { seed, zones: 3, groups })],
  ["fragmented", (seed) => fragmented(0.94, { seed, groups })],
  ["small", (seed) => small(0.87, { seed, groups: { share: 0.5, size: 5 } })],
  ["odd primes", (seed) => odd(10, 1.2, { seed, flavours: PRIMES })],
  ["odd mixed", (seed) => odd(20, 0.9, { seed, flavours: MIXED })],
];

describe("each family of clusters", () => {
  test.each(FAMILIES)("%s is legal before anything moves", (_, family) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { cluster, rules } = clusterOf(family(seed), OPTIONS);
      expect(illegal(cluster, rules)).toEqual([]);
    }
  });

  test.each(FAMILIES)("%s is the same for the same seed, and another for another", (_, family) => {
    expect(family(7)).toEqual(family(7));
    expect(family(7)).not.toEqual(family(8));
  });
});

describe("uniform clusters", () => {
  test.each([
    [0.5, 2767],
    [0.7, 3794],
    [0.85, 4519],
  ])("of 100 hosts at %d have about %d instances", (load, expected) => {
    for (const seed of [1, 2, 3]) {
      const { length } = uniform(100, load, { seed }).vms;
      expect(Math.abs(length / expected - 1)).toBeLessThan(0.04);
    }
  });

  test("are filled as much as asked, and unevenly", () => {
    const cluster = uniform(100, 0.7, { seed: 1 });
    expect(loadOf(cluster)).toBeCloseTo(0.7, 3);
    const off = cluster.hosts.map(({ used, mem }) => (used / mem - 0.7) ** 2);
    expect(Math.sqrt(off.reduce((sum, one) => sum + one, 0) / 100)).toBeCloseTo(0.06, 2);
  });

  test("have groups of the size and the share asked for", () => {
    const { vms } = uniform(100, 0.7, { seed: 1, groups });
    const sizes = Map.groupBy(
      vms.flatMap(({ aa }) => aa ?? []),
      (name) => name,
    );
    expect(new Set([...sizes.values()].map(({ length }) => length))).toEqual(new Set([3]));
    expect(([...sizes.keys()].length * 3) / vms.length).toBeCloseTo(0.3, 2);
  });

  test("spread their hosts over the zones asked for", () => {
    const { hosts } = uniform(9, 0.7, { seed: 1, zones: 3 });
    expect(
      Object.values(Object.groupBy(hosts, ({ az }) => az)).map((zone) => zone?.length),
    ).toEqual([3, 3, 3]);
  });
});

test("odd clusters leave the room of as many hosts as asked", () => {
  expect(20 * (1 - loadOf(odd(20, 0.9, { seed: 3, flavours: MIXED })))).toBeCloseTo(0.9, 1);
});

test("a move takes its fixed time and that of its memory", () => {
  const { cluster } = clusterOf(
    {
      hosts: [{ name: "a", az: "z", mem: 8192, cpu: 4, used: 4000, vcpu: 2 }],
      vms: [{ name: "v", mem: 4000, vcpu: 2, host: 0, aa: null, sec: null }],
    },
    OPTIONS,
  );
  expect(cluster.instances[0]?.move_seconds).toBe(12);
  expect(cluster.hosts[0]?.capacity).toEqual([8192, 16]);
});

describe("random clusters", () => {
  const many = Array.from({ length: 2000 }, (_, seed) => random(seed));

  test("are legal before anything moves", () => {
    expect(many.flatMap(({ cluster, rules }) => illegal(cluster, rules))).toEqual([]);
  });

  test("are the same for the same seed", () => {
    expect(random(11)).toEqual(random(11));
  });

  test.each<[string, (of: { cluster: Cluster; rules: Rules }) => boolean]>([
    ["moves in flight", ({ cluster }) => cluster.moves.length > 0],
    ["three resources", ({ cluster }) => cluster.resources.length === 3],
    ["cells", ({ cluster }) => new Set(cluster.hosts.map(({ cell }) => cell)).size > 1],
    ["versions", ({ cluster }) => new Set(cluster.hosts.map(({ version }) => version)).size > 1],
    ["refusals", ({ cluster }) => cluster.instances.some(({ refused }) => refused.length > 0)],
    ["pinned instances", ({ cluster }) => cluster.instances.some(({ fate }) => fate === "pinned")],
    ["hosts at work", ({ cluster }) => cluster.hosts.some(({ job }) => job === "working")],
    [
      "hosts that are cordoned",
      ({ cluster }) => cluster.hosts.some(({ job }) => job === "cordoned"),
    ],
    ["hosts being emptied", ({ cluster }) => cluster.hosts.some(({ job }) => job === "emptying")],
    ["members of an affinity group on one host", ({ cluster }) => isShared(cluster, "affinity")],
    ["members of an anti-affinity group", ({ cluster }) => hasMembers(cluster, "anti-affinity")],
    ["a reserve", ({ rules }) => rules.reserve_hosts > 0],
    ["a window that ends", ({ rules }) => rules.ends_in_seconds !== null],
  ])("some have %s", (_, has) => {
    expect(many.filter(has).length).toBeGreaterThan(50);
  });
});

const hasMembers = ({ groups: all, instances }: Cluster, policy: string) =>
  instances.some((one) => one.groups.some((group) => all[group]?.policy === policy));

const isShared = (cluster: Cluster, policy: string) =>
  hasMembers(cluster, policy) &&
  worldOf(cluster, random(1).rules).bonds.some((bonds) => bonds.some(({ length }) => length > 1));
