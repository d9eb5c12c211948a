import { workOnGuests } from "./invariants/host-work.ts";
import { harmToInstances } from "./invariants/instances.ts";
import { movesMadeTwice, movesWithoutOutcome } from "./invariants/moves.ts";
import { indiscretions } from "./invariants/notices.ts";
import { hostsTooFull } from "./invariants/room.ts";
import { servicesNotPutBack, unexplainedServiceCalls } from "./invariants/services.ts";
import type { Story } from "./invariants/story.ts";

/** The promises that a story is held to; the numbers are the design's. */
const INVARIANTS: readonly {
  readonly number: number;
  readonly promise: string;
  readonly violations: (story: Story) => string[];
}[] = [
  { number: 1, promise: "no instance comes to harm", violations: harmToInstances },
  { number: 2, promise: "host work only on an empty host", violations: workOnGuests },
  { number: 3, promise: "no move is made twice", violations: movesMadeTwice },
  { number: 3, promise: "each service call is explained", violations: unexplainedServiceCalls },
  { number: 4, promise: "capacity and anti-affinity hold", violations: hostsTooFull },
  { number: 6, promise: "each service ends as it was", violations: servicesNotPutBack },
  { number: 8, promise: "no project learns of a host", violations: indiscretions },
  { number: 9, promise: "each move has its outcome", violations: movesWithoutOutcome },
];

/** What is promised, in the order in which it is checked. */
export const PROMISES: readonly string[] = INVARIANTS.map(({ promise }) => promise);

/**
 * Holds what a cloud went through against what Lull promises.
 *
 * It goes by the cloud's own journal and history, not by the engine's word, and judges the whole
 * past: what was wrong for a moment is wrong.
 *
 * @returns the broken promises in words; empty when all were kept
 */
export const violationsIn = (story: Story): string[] =>
  INVARIANTS.flatMap(({ number, violations }) =>
    violations(story).map((words) => `invariant ${number}: ${words}`),
  );
