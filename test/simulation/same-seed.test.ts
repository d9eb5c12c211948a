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
