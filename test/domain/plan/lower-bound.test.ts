import { describe, expect, test } from "vitest";
import { lowerBoundOf } from "../../../lib/domain/plan/lower-bound.ts";
import { makePlan } from "../../../lib/domain/plan/make-plan.ts";
import { aCluster, someRules } from "../../planner/builders.ts";
import { random } from "../../planner/random-cluster.ts";

/** Four hosts of 100, work of 100 s; each bears an instance of 50, which moves in 10 s. */
const halfFull = aCluster({
  hosts: [{}, {}, {}, {}],
  instances: [0, 1, 2, 3].map((host) => ({ host, needs: [50] })),
});

describe("no plan is sooner done than", () => {
  test("works one after the other, as many hosts being empty at once as there is room for", () => {
    // Two of four, so two rounds, after the first host was emptied by one move on two slots.
    expect(lowerBoundOf(halfFull, someRules())).toMatchObject({
      simple: 205,
      rounds: 2,
      empty: 0.5,
    });
  });

  test("its hosts in turns, where no more may be open at once", () => {
    expect(lowerBoundOf(halfFull, someRules({ max_parallel_hosts: 1 })).improved).toBe(400);
  });

  test("the slowest of its zones, where instances stay in them", () => {
    const zones = aCluster({
      hosts: [{ zone: "z1" }, { zone: "z1" }, { zone: "z1" }, { zone: "z2" }, { zone: "z2" }],
      instances: [0, 1, 2].map((host) => ({ host, needs: [60] })),
    });

    expect(lowerBoundOf(zones, someRules()).rounds).toBe(2);
    expect(lowerBoundOf(zones, someRules({ same_zone: true })).rounds).toBe(3);
  });

  test("for ever, where no host can be emptied", () => {
    const full = aCluster({
      hosts: [{}, {}],
      instances: [
        { host: 0, needs: [90] },
        { host: 1, needs: [90] },
      ],
    });

    expect(lowerBoundOf(full, someRules()).simple).toBe(Number.POSITIVE_INFINITY);
  });
});

test("no plan of a cluster in which everything moves is sooner done than its bound", () => {
  const sooner = Array.from({ length: 400 }, (_, seed) => seed).filter((seed) => {
    const { cluster, rules } = random(seed);
    const hosts = cluster.hosts.map((host) => ({ ...host, takes: true, job: "waiting" as const }));
    const instances = cluster.instances.map((one) => ({ ...one, fate: "moves" as const }));
    const plain = { ...cluster, hosts, instances, moves: [] };
    const plan = makePlan(plain, rules, "fastest");
    return (
      plan.blocked.length === 0 &&
      plan.makespan_seconds < lowerBoundOf(plain, rules).improved - 1e-6
    );
  });

  expect(sooner).toEqual([]);
});
