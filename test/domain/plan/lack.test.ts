import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byWeight, compareRanked, leastLack } from "../../../lib/domain/plan/lack.ts";

type Guest = { readonly needs: readonly number[]; readonly barred: number; readonly group: number };
type Target = { readonly number: number; readonly free: readonly number[] };

/** Whether no guest is barred from the target, and no two of them are of one group; group 0 is none. */
const bearsAll = ({ number }: Target, guests: readonly Guest[]): boolean => {
  const groups = guests.map(({ group }) => group).filter((group) => group > 0);
  return guests.every(({ barred }) => barred !== number) && new Set(groups).size === groups.length;
};

const lackOf = (guests: readonly Guest[], targets: readonly Target[], left = 1e6) =>
  leastLack<Guest, Target>(
    {
      guests,
      targets,
      needsOf: ({ needs }) => needs,
      freeOn: ({ free }) => free,
      bears: (target, guest, newcomers) => bearsAll(target, [...newcomers, guest]),
    },
    { left },
  );

/** Every way to put each guest on one of so many places. */
function* layouts(guests: readonly Guest[], places: number): Generator<Guest[][]> {
  const [first, ...rest] = guests;
  if (first === undefined) {
    yield Array.from({ length: places }, () => []);
    return;
  }
  for (const layout of layouts(rest, places))
    for (let n = 0; n < places; n++) yield layout.map((on, m) => (m === n ? [first, ...on] : on));
}

const sumOf = (guests: readonly Guest[], r: number): number =>
  guests.reduce((sum, { needs }) => sum + (needs[r] ?? 0), 0);

/** What the target would be short of for all these. */
const overload = ({ free }: Target, guests: readonly Guest[]): number[] =>
  free.map((left, r) => (sumOf(guests, r) === 0 ? 0 : Math.max(0, sumOf(guests, r) - left)));

/** The least that is too much on one target, and whole on none, whichever way everything is placed. */
const leastOf = (guests: readonly Guest[], targets: readonly Target[]): readonly number[] => {
  let least: readonly number[] = [Number.POSITIVE_INFINITY, 0];
  for (const layout of layouts(guests, targets.length + 1)) {
    const nowhere = layout[targets.length] ?? [];
    if (!targets.every((target, n) => bearsAll(target, layout[n] ?? []))) continue;
    const over = targets.map((target, n) => overload(target, layout[n] ?? []));
    const short = over.filter((amounts) => amounts.some((amount) => amount > 0));
    const missing = [0, 1].map((r) => sumOf(nowhere, r) + (short[0]?.[r] ?? 0));
    if (short.length < 2 && compareRanked(missing, least) < 0) least = missing;
  }
  return least;
};

const amounts = (most: number) => fc.tuple(fc.nat(most), fc.nat(most));
const guests = fc.array(
  fc.record({ needs: amounts(4), barred: fc.nat(5), group: fc.constant(0) }),
  { maxLength: 5 },
);
const targets = fc
  .array(amounts(6), { minLength: 1, maxLength: 3 })
  .map((all) => all.map((free, number) => ({ number, free })));

describe("what is missing", () => {
  test("is the least that finds no place, with what is left on one host, whichever way all is placed", () => {
    fc.assert(
      fc.property(guests, targets, (leaving, hosts) => {
        expect(lackOf(leaving, hosts)?.amounts ?? [0, 0]).toEqual(leastOf(leaving, hosts));
      }),
      { numRuns: 1_000 },
    );
  });

  test("is nothing exactly when all find a place, groups kept apart", () => {
    const needs = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(4));
    const grouped = fc.array(fc.record({ needs, barred: fc.nat(5), group: fc.nat(2) }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(grouped, targets, (leaving, hosts) => {
        const fits = leastOf(leaving, hosts).every((amount) => amount === 0);

        expect(lackOf(leaving, hosts) === null).toBe(fits);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is never said to be too little when the search is cut short", () => {
    fc.assert(
      fc.property(guests, targets, fc.nat(20), (leaving, hosts, tries) => {
        const cut = lackOf(leaving, hosts, tries)?.amounts ?? [0, 0];

        expect(
          compareRanked(cut, lackOf(leaving, hosts)?.amounts ?? [0, 0]),
        ).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("names first of those that find no place the one that was the hardest to place", () => {
    const guest = (vcpu: number) => ({ needs: [vcpu, 0], barred: -1, group: 0 });

    expect(lackOf([guest(4), guest(2)], [{ number: 0, free: [2, 0] }])?.left[0]).toEqual(guest(4));
  });
});

test("a lack of processors weighs more than one of memory, and that more than any other", () => {
  expect(byWeight(["MEMORY_MB", "DISK_GB", "VCPU", "PCPU"])).toEqual([
    "VCPU",
    "MEMORY_MB",
    "DISK_GB",
    "PCPU",
  ]);
  expect(compareRanked([1, 9], [2, 0])).toBeLessThan(0);
  expect(compareRanked([1, 9], [1, 8])).toBeGreaterThan(0);
});
