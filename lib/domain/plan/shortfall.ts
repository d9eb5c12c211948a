import { ranked } from "./fitting.ts";
import { compareRanked } from "./lack.ts";
import { type Amounts, COUNTED, type Shortage } from "./reserve.ts";

/** How much room is missing before a host of a zone can be begun, by zone; 0 of what is not short. */
export type Shortfall = ReadonlyMap<string, Amounts>;

/** What is to be asked for so that it goes on: in each zone what that host lacks that lacks the least. */
export const shortfallOf = (lacking: readonly Shortage[]): Shortfall => {
  const least = lacking.toSorted(({ lacks: a }, { lacks: b }) =>
    compareRanked(ranked(a), ranked(b)),
  );
  const byZone = new Map<string, Amounts>();
  for (const { zone, lacks } of least) if (!byZone.has(zone)) byZone.set(zone, lacks);
  return byZone;
};

/**
 * What a host lacks whose zone is short as a whole: that, and where it needs more because room lies
 * in pieces, that.
 *
 * @param misfit what it lacks by its instances; null = they would find places
 */
export const withPieces = (shortage: Shortage, misfit: Shortage | null): Shortage => ({
  ...shortage,
  lacks: misfit === null ? shortage.lacks : largerOf(shortage.lacks, misfit.lacks),
});

const largerOf = (a: Amounts, b: Amounts): Amounts => ({
  MEMORY_MB: Math.max(a.MEMORY_MB, b.MEMORY_MB),
  VCPU: Math.max(a.VCPU, b.VCPU),
});

/**
 * What a project is asked for that has instances in these zones: all that is missing there.
 *
 * @returns null when it could not help
 */
export const missingIn = (
  shortfall: Shortfall,
  zones: ReadonlySet<string>,
): Partial<Amounts> | null => {
  const short = [...shortfall].filter(([zone]) => zones.has(zone)).map(([, amounts]) => amounts);
  if (short.length === 0) return null;
  const sums = COUNTED.map((resource) => [
    resource,
    short.reduce((sum, amounts) => sum + amounts[resource], 0),
  ]);
  const missing = sums.filter(([, amount]) => amount !== 0);
  return missing.length === 0 ? null : Object.fromEntries(missing);
};
