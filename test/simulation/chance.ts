import type { Chance } from "./stage.ts";

/** A whole number, both bounds included. */
export const whole = (chance: Chance, least: number, most: number): number =>
  least + Math.floor(chance() * (most - least + 1));

/** Whether something happens that does so with this probability. */
export const chances = (chance: Chance, probability: number): boolean => chance() < probability;

export const oneOf = <T>(chance: Chance, all: readonly T[]): T => {
  const one = all[Math.floor(chance() * all.length)];
  if (one === undefined) throw new Error("there is nothing to choose from");
  return one;
};

/** So many of them at most, in an order of chance. */
export const someOf = <T>(chance: Chance, all: readonly T[], count: number): T[] =>
  all
    .map((one) => ({ one, order: chance() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ one }) => one);
