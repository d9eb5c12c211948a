import type { Chance, Misrates, Stage } from "./stage.ts";

/** One class of fault: what it does to the embedded stack's rates, or at its moment to the stage. */
export type Happening = {
  readonly name: string;
  readonly rates?: (chance: Chance) => Misrates;
  readonly act?: (stage: Stage) => unknown;
};

export const happenings: readonly Happening[] = [
  { name: "table throttles", rates: () => ({ throttle: 0.05 }) },
];
