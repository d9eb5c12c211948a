import fc from "fast-check";
import { expect, test } from "vitest";
import { everyInterleaving, PATIENCE_MS } from "./interleave.ts";
import { type Mischief, playInOrder, playWithMischief } from "./wakes.ts";

test(
  "a planner sees both hosts that finish, in each of the 904 ways in which they and drive interleave",
  async () => {
    expect(await everyInterleaving(playInOrder)).toBe(904);
  },
  PATIENCE_MS,
);

const mischief: fc.Arbitrary<Mischief> = fc.record({
  deaths: fc.nat(2),
  retries: fc.nat(2),
  drivesKilled: fc.nat(2),
  duplicates: fc.nat(2),
  losses: fc.nat(1),
  ticks: fc.nat(2),
});

test(
  "whatever dies, comes late, comes twice or is lost, the planner sees both hosts and is executed once: 1,000 ways",
  async () => {
    const choices = fc.array(fc.nat(999), { minLength: 10, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(choices, mischief, async (chosen, allowed) => {
        let n = 0;
        await playWithMischief(({ length }) => {
          const choice = chosen[n++];
          return choice === undefined || length === 0 ? null : choice % length;
        }, allowed);
      }),
      { numRuns: 1_000 },
    );
  },
  PATIENCE_MS,
);
