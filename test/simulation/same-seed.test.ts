import { expect, test } from "vitest";
import { openSimulation } from "./simulate.ts";

const simulate = await openSimulation();

test("the same seed is the same run, whatever was played before, and another seed another", async () => {
  const first = await simulate(2);
  const other = await simulate(3);
  const again = await simulate(2);

  expect(again.journal).toBe(first.journal);
  expect(again.trace).toBe(first.trace);
  expect(other.trace).not.toBe(first.trace);
}, 60_000);

test("harm that nobody else has done is blamed on Lull", async () => {
  const { violations } = await simulate(2, {
    sabotage: ({ world, happen }) => {
      const [instance = ""] = world.instances.keys();
      happen({ kind: "vanish", instance });
    },
  });

  expect(violations).toContainEqual(
    expect.stringMatching(/^invariant 1: .* was active and is deleted$/),
  );
}, 60_000);
