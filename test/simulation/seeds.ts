import { expect, test } from "vitest";
import { openSimulation } from "./simulate.ts";

/** Of real time, on a busy machine. */
const PATIENCE_MS = 60_000;

/** One test a seed; `npm run sim -- --seeds 1 --from SEED --verbose` shows what a failed one went through. */
export const keepPromises = async (from: number, count: number): Promise<void> => {
  const simulate = await openSimulation();
  for (let seed = from; seed < from + count; seed++)
    test(
      `seed ${seed} keeps every promise`,
      async () => {
        const { violations, happenings } = await simulate(seed);
        expect(
          violations,
          `npm run sim -- --seeds 1 --from ${seed} (${happenings.join(", ")})`,
        ).toEqual([]);
      },
      PATIENCE_MS,
    );
};
