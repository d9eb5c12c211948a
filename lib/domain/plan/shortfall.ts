import { type Amounts, COUNTED, type Shortage } from "./reserve.ts";

/** A host that cannot be emptied now, and what finds no place. */
export type Misfit = { readonly host: string; readonly zone: string; readonly lacks: Amounts };

/** How much room is missing before a host of a zone can be begun, by zone. */
export type Shortfall = ReadonlyMap<string, Partial<Amounts>>;

/**
 * What is to be asked for so that it goes on: in a zone that is short as a whole what it is short
 * of, in any other what the host lacks that lacks the least.
 */
export const shortfallOf = (
  shortages: readonly Shortage[],
  misfits: readonly Misfit[],
): Shortfall => {
  const least = misfits.toSorted(
    ({ lacks: a }, { lacks: b }) => a.VCPU - b.VCPU || a.MEMORY_MB - b.MEMORY_MB,
  );
  const byZone = new Map<string, Partial<Amounts>>();
  for (const { zone, lacks } of least) if (!byZone.has(zone)) byZone.set(zone, lacks);
  for (const { zone, resource, missing } of shortages) byZone.set(zone, { [resource]: missing });
  return byZone;
};

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
    short.reduce((sum, amounts) => sum + (amounts[resource] ?? 0), 0),
  ]);
  return Object.fromEntries(sums.filter(([, amount]) => amount !== 0));
};
