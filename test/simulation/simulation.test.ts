import { expect, test } from "vitest";
import { openSimulation } from "./simulate.ts";

const simulate = await openSimulation();

test("the same seed is the same run", async () => {
  const first = await simulate(2);
  const second = await simulate(2);

  expect(second.journal).toBe(first.journal);
  expect(second.trace).toBe(first.trace);
  expect((await simulate(3)).trace).not.toBe(first.trace);
});
