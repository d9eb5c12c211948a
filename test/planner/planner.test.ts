import { describe, expect, test } from "vitest";
import { makePlan } from "../../lib/domain/plan/make-plan.ts";
import { OBJECTIVES } from "../../lib/domain/plan/objective.ts";
import { clusterOf, fragmented, MIXED, odd, small, tiny, USUAL, uniform } from "./clusters.ts";
import { exhaustive } from "./exhaustive.ts";
import { random } from "./random-cluster.ts";
import { confirms, verify } from "./verifier.ts";

const seeds = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, n) => from + n);

/** The seeds of which `isWrong` finds something to say. */
const wrongOf = (count: number, isWrong: (seed: number) => boolean, from = 0): number[] =>
  seeds(count, from).filter(isWrong);

describe("a plan", () => {
  test("breaks no rule, and refuses with reasons that are true, whatever the cluster", () => {
    const wrong = wrongOf(1_500, (seed) => {
      const { cluster, rules } = random(seed);
      const plan = makePlan(cluster, rules, OBJECTIVES[seed % 2] ?? "fastest");
      return verify(cluster, rules, plan).length + confirms(cluster, rules, plan).length > 0;
    });

    expect(wrong).toEqual([]);
  });

  test("maintains every host of a small cluster of which an exhaustive search can, and never more", () => {
    const wrong = wrongOf(2_000, (seed) => {
      const { cluster, rules } = clusterOf(tiny(seed), { ...USUAL, sameAz: seed % 2 === 0 });
      const plan = makePlan(cluster, rules, "fastest");
      return (
        (plan.blocked.length === 0) !== exhaustive(cluster, rules).completable ||
        verify(cluster, rules, plan).length > 0
      );
    });

    expect(wrong).toEqual([]);
  });

  test("is the same for the same cluster", () => {
    const { cluster, rules } = clusterOf(uniform(30, 0.7, { seed: 7 }), USUAL);

    expect(makePlan(cluster, rules, "fastest")).toEqual(makePlan(cluster, rules, "fastest"));
  });

  test.each([0.75, 0.8, 0.85, 0.9, 0.94])(
    "maintains every host of fragmented clusters at a load of %d",
    (load) => {
      const wrong = wrongOf(20, (seed) => {
        const { cluster, rules } = clusterOf(fragmented(load, { seed }), USUAL);
        const plan = makePlan(cluster, rules, "fastest");
        return plan.blocked.length > 0 || verify(cluster, rules, plan).length > 0;
      });

      expect(wrong).toEqual([]);
    },
  );

  test.each([
    ["of 8 hosts", (seed: number) => small(0.75, { seed })],
    [
      "with groups kept apart",
      (seed: number) => fragmented(0.8, { seed, groups: { share: 0.5, size: 8 } }),
    ],
    ["with instances of odd sizes", (seed: number) => odd(20, 2.4, { seed, flavours: MIXED })],
  ])("maintains every host of clusters %s", (_, made) => {
    const wrong = wrongOf(20, (seed) => {
      const { cluster, rules } = clusterOf(made(seed), USUAL);
      const plan = makePlan(cluster, rules, "fastest");
      return plan.blocked.length > 0 || verify(cluster, rules, plan).length > 0;
    });

    expect(wrong).toEqual([]);
  });

  test.each([0.7, 0.85])(
    "keeps instances in their zones, and stops in none, at a load of %d",
    (load) => {
      const { cluster, rules } = clusterOf(uniform(60, load, { seed: 3, zones: 3 }), {
        ...USUAL,
        sameAz: true,
      });
      const plan = makePlan(cluster, rules, "fastest");

      expect(plan.blocked).toEqual([]);
      expect(verify(cluster, rules, plan)).toEqual([]);
    },
  );

  test("with few moves moves hardly an instance twice", () => {
    const { cluster, rules } = clusterOf(uniform(100, 0.7, { seed: 1 }), USUAL);
    const few = makePlan(cluster, rules, "fewest_moves");
    const fast = makePlan(cluster, rules, "fastest");

    expect(few.migrations / cluster.instances.length).toBeLessThan(1.01);
    expect(few.migrations).toBeLessThan(fast.migrations);
    expect(fast.makespan_seconds).toBeLessThan(few.makespan_seconds);
  });
});
