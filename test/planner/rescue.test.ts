import { describe, expect, test } from "vitest";
import type { Cluster, Rules } from "../../lib/domain/plan/cluster.ts";
import { makePlan } from "../../lib/domain/plan/make-plan.ts";
import { aCluster, someRules } from "./builders.ts";
import { clusterOf, MIXED, odd, PRIMES, USUAL } from "./clusters.ts";
import { confirms, verify } from "./verifier.ts";

/** A cluster of hosts of 100 with instances of these sizes, host by host. */
const filledWith = (...hosts: readonly (readonly number[])[]): Cluster =>
  aCluster({
    hosts: hosts.map(() => ({})),
    instances: hosts.flatMap((sizes, host) => sizes.map((size) => ({ host, needs: [size] }))),
  });

/** What a plan does not maintain, and what of the rules it breaks. */
const resultOf = (cluster: Cluster, rules: Rules = someRules()) => {
  const plan = makePlan(cluster, rules, "fastest");
  const broken = [...verify(cluster, rules, plan), ...confirms(cluster, rules, plan)];
  return { blocked: plan.blocked, broken };
};

const WHOLE = { blocked: [], broken: [] };

describe("a host whose instances find no room as it is", () => {
  test("is emptied when a smaller instance elsewhere makes room for a larger one", () => {
    expect(resultOf(filledWith([60], [30, 30], [50]))).toEqual(WHOLE);
  });

  test("takes what two others exchange, before it is emptied itself", () => {
    expect(resultOf(filledWith([20], [60, 30], [50, 40]))).toEqual(WHOLE);
  });

  test("is emptied when odd sizes fill all other hosts to the last unit", () => {
    const cluster = filledWith(
      [13, 29, 19, 19],
      [11, 19, 13, 29, 11],
      [29, 13, 13, 13, 13],
      [19, 29, 19, 11],
      [19, 29, 11, 19],
    );

    expect(resultOf(cluster)).toEqual(WHOLE);
  });

  test("is emptied though members of groups that keep apart take part in that", () => {
    const cluster = filledWith(
      [13, 29, 19, 19],
      [11, 19, 13, 29, 11],
      [29, 13, 13, 13, 13],
      [19, 29, 19, 11],
      [19, 29, 11, 19],
    );
    const apart = new Set([2, 8, 13, 18]);
    const instances = cluster.instances.map((instance, n) =>
      apart.has(n) ? { ...instance, groups: [0] } : instance,
    );
    const group = { policy: "anti-affinity", name: "apart", max_instances_per_host: 1 } as const;
    const groups = [{ ...group, max_impacted_members: 0, recovery_seconds: 0 }];

    expect(resultOf({ ...cluster, instances, groups })).toEqual(WHOLE);
  });

  test("is refused with what is missing when its instance fits beside no other", () => {
    const { blocked, broken } = resultOf(filledWith([60], [60], [60]));

    expect(blocked).toEqual(
      [0, 1, 2].map((host) => ({ host, instance: host, rule: "not_found", missing: [20] })),
    );
    expect(broken).toEqual([]);
  });

  test("is refused for want of room when more is taken than the others hold", () => {
    const { blocked } = resultOf(filledWith([50, 20], [60, 10], [70]));

    expect(blocked.map(({ rule }) => rule)).toEqual(["capacity", "capacity", "capacity"]);
  });
});

describe("a nearly full cluster of odd sizes", () => {
  const free = [1.05, 1.1, 1.2, 1.3];
  const seeds = [0, 1, 2];
  const groups = { share: 0.4, size: 4 };

  /** What is refused although all that is free would be room enough, and what rules are broken. */
  const shortcomings = (
    count: number,
    more: Pick<Parameters<typeof odd>[2], "flavours" | "groups">,
  ) =>
    free.flatMap((hosts) =>
      seeds.flatMap((seed) => {
        const { cluster, rules } = clusterOf(odd(count, hosts, { seed, ...more }), USUAL);
        const { blocked, broken } = resultOf(cluster, rules);
        return [...blocked.filter(({ rule }) => rule !== "capacity"), ...broken];
      }),
    );

  test.each([
    [10, "primes", PRIMES],
    [20, "primes", PRIMES],
    [10, "mixed", MIXED],
    [20, "mixed", MIXED],
  ] as const)(
    "of %d hosts is maintained wherever there is room enough in all: %s",
    (count, _, flavours) => {
      expect(shortcomings(count, { flavours })).toEqual([]);
    },
  );

  test.each([
    ["primes", PRIMES],
    ["mixed", MIXED],
  ] as const)("is maintained though members of its groups keep apart: %s", (_, flavours) => {
    expect(shortcomings(20, { flavours, groups })).toEqual([]);
  });
});
