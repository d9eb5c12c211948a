import { amount, type Guest, type Place } from "./board.ts";
import { exchangeable, movable } from "./repack.ts";
import { fits, freeOn, put, type Sketch, sketchOf, staysTogether } from "./sketch.ts";

/** Hosts above which an exact search is hopeless, and placements tried before it is given up. */
const MOST_TARGETS = 12;
const MOST_TRIES = 200_000;

/**
 * Searches for a placement of all that is on one host and on its targets that leaves the host empty,
 * the largest instances first: bin packing by branch and bound.
 *
 * @returns "none" = there is no such placement; "unknown" = too much to try
 */
export const repackExactly = (
  place: Place,
  targets: readonly Place[],
): Sketch | "none" | "unknown" => {
  if (targets.length > MOST_TARGETS) return "unknown";
  const sketch = sketchOf(targets);
  const guests = [...movable(place), ...targets.flatMap(exchangeable)].sort(
    (a, b) => b.size - a.size || a.number - b.number,
  );
  for (const guest of guests) put(sketch, guest, null);
  const search = { sketch, guests, left: leftAfter(guests), tries: 0 };
  if (placeFrom(search, 0)) return sketch;
  return search.tries > MOST_TRIES ? "unknown" : "none";
};

type Search = {
  readonly sketch: Sketch;
  readonly guests: readonly Guest[];
  /** What the guests from the nth on need together, per resource. */
  readonly left: readonly (readonly number[])[];
  tries: number;
};

const leftAfter = (guests: readonly Guest[]): number[][] => {
  const sums: number[][] = [];
  for (const { instance } of guests.toReversed()) {
    const before = sums.at(-1);
    sums.push(instance.needs.map((need, r) => need + (before?.[r] ?? 0)));
  }
  return sums.reverse();
};

const placeFrom = (search: Search, n: number): boolean => {
  const { sketch, guests } = search;
  const guest = guests[n];
  if (guest === undefined) return true;
  if (!hasVolume(search, n)) return false;
  const tried = new Set<string>();
  for (const target of inOrder(sketch, guest)) {
    search.tries += 1;
    if (search.tries > MOST_TRIES) return false;
    if (!fits(sketch, target, guest) || !staysTogether(sketch, target, guest)) continue;
    const alike = likeness(sketch, target, guest);
    if (alike !== null && tried.has(alike)) continue;
    if (alike !== null) tried.add(alike);
    put(sketch, guest, target);
    if (placeFrom(search, n + 1)) return true;
    put(sketch, guest, null);
  }
  return false;
};

/** Where it is, so that it need not move; then the fullest hosts. */
const inOrder = (sketch: Sketch, guest: Guest): Place[] =>
  sketch.targets.toSorted(
    (a, b) =>
      Number(b === guest.at) - Number(a === guest.at) ||
      amount(freeOn(sketch, a), 0) - amount(freeOn(sketch, b), 0) ||
      a.number - b.number,
  );

/** Whether what is free is enough for all that is left, if it could be cut at will. */
const hasVolume = ({ sketch, left }: Search, n: number): boolean =>
  (left[n] ?? []).every(
    (need, r) =>
      need <= sketch.targets.reduce((sum, target) => sum + amount(freeOn(sketch, target), r), 0),
  );

/** Hosts of the same likeness are as good as one another for what is still to be placed. */
const likeness = (sketch: Sketch, target: Place, { groups }: Guest): string | null =>
  groups.length > 0 || target.guests.length > 0
    ? null
    : `${target.host.version} ${freeOn(sketch, target).join()}`;
