import { amount, type Guest, largestFirst, type Place } from "./board.ts";
import { mayEver } from "./moves.ts";
import { fits, freeOn, placeOf, put, type Sketch, sketchOf, staysTogether } from "./sketch.ts";

/**
 * Looks for a placement that leaves one host empty: its instances the largest first, each where it
 * fits tightest; one that fits nowhere takes the place of smaller ones, which are placed in turn.
 *
 * @param random numbers from 0 to 1; with null each choice is the one that looks best
 * @returns null when this try found none
 */
export const repack = (
  place: Place,
  targets: readonly Place[],
  random: (() => number) | null,
): Sketch | null => {
  const sketch = sketchOf(targets);
  const homeless = movable(place);
  for (const guest of homeless) put(sketch, guest, null);
  let ejections = MOST_EJECTIONS;
  while (homeless.length > 0) {
    const guest = takeLargest(homeless);
    const target = tightestFor(sketch, guest, random);
    if (target !== null) {
      put(sketch, guest, target);
      continue;
    }
    const ejection = ejections > 0 ? cheapestEjection(sketch, guest, random) : null;
    if (ejection === null) return null;
    ejections -= ejection.ejected.length;
    for (const smaller of ejection.ejected) put(sketch, smaller, null);
    homeless.push(...ejection.ejected);
    put(sketch, guest, ejection.target);
  }
  return sketch;
};

/** Instances that change places for one host, at most: more would be a maintenance of its own. */
const MOST_EJECTIONS = 60;
/** Instances that give way to one. */
const MOST_AT_ONCE = 3;

export const movable = ({ guests }: Place): Guest[] =>
  [...guests]
    .filter(({ instance, to }) => instance.fate === "moves" && to === null)
    .sort(largestFirst);

/** What may change places for others: not what has to stay together with the rest of a group. */
export const exchangeable = (place: Place): Guest[] =>
  movable(place).filter((guest) => !isBound(guest));

export const isBound = ({ groups }: Guest): boolean =>
  groups.some(({ rules }) => rules.policy === "affinity");

const takeLargest = (guests: Guest[]): Guest => {
  guests.sort(largestFirst);
  const [largest] = guests.splice(0, 1);
  if (largest === undefined) throw new RangeError("nothing is left to be placed");
  return largest;
};

/** A host that needs no further move before one that does, then the one with the least room left. */
const tightestFor = (sketch: Sketch, guest: Guest, random: (() => number) | null): Place | null => {
  let best: Place | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const target of sketch.targets) {
    if (!fits(sketch, target, guest) || !staysTogether(sketch, target, guest)) continue;
    const rank = rankOf(sketch, target) * (random === null ? 1 : 0.7 + 0.6 * random());
    if (rank < least) [best, least] = [target, rank];
  }
  return best;
};

const FURTHER_MOVE = 1e9;

const rankOf = (sketch: Sketch, target: Place): number =>
  amount(freeOn(sketch, target), 0) + (target.stage === "waiting" ? FURTHER_MOVE : 0);

/** In large pools only the hosts with the most room are looked at. */
const roomiest = (sketch: Sketch): readonly Place[] =>
  sketch.targets.length <= MOST_TARGETS
    ? sketch.targets
    : sketch.targets
        .toSorted((a, b) => amount(freeOn(sketch, b), 0) - amount(freeOn(sketch, a), 0))
        .slice(0, MOST_TARGETS);

const MOST_TARGETS = 30;

type Ejection = { readonly target: Place; readonly ejected: readonly Guest[] };

/** The fewest and smallest instances that have to give way, and where. */
const cheapestEjection = (
  sketch: Sketch,
  guest: Guest,
  random: (() => number) | null,
): Ejection | null => {
  let best: Ejection | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const target of roomiest(sketch)) {
    const ejected = givingWay(sketch, target, guest);
    if (ejected === null) continue;
    const size = ejected.reduce((sum, smaller) => sum + smaller.size, 0);
    const cost = size * ejected.length * (random === null ? 1 : 0.5 + random());
    if (cost < least) [best, least] = [{ target, ejected }, cost];
  }
  return best;
};

/** The smaller instances, as few and as small as can be, that make room for it on the host; null = none do. */
const givingWay = (sketch: Sketch, target: Place, guest: Guest): readonly Guest[] | null => {
  if (!mayEver(target, guest)) return null;
  const smaller = placedOn(sketch, target)
    .filter(({ size }) => size < guest.size)
    .sort((a, b) => largestFirst(b, a))
    .slice(0, MOST_LOOKED_AT);
  for (let most = 1; most <= MOST_AT_ONCE; most++) {
    const ejected = firstThatFree(sketch, { target, guest, smaller, most });
    if (ejected !== null) return ejected;
  }
  return null;
};

const MOST_LOOKED_AT = 12;

type Wanted = {
  readonly target: Place;
  readonly guest: Guest;
  readonly smaller: readonly Guest[];
  readonly most: number;
};

/** Tries the smallest first; leaves the sketch as it was. */
const firstThatFree = (
  sketch: Sketch,
  { target, guest, smaller, most }: Wanted,
): readonly Guest[] | null => {
  if (most === 0) return fits(sketch, target, guest) ? [] : null;
  for (const [n, candidate] of smaller.entries()) {
    put(sketch, candidate, null);
    const rest = firstThatFree(sketch, {
      target,
      guest,
      smaller: smaller.slice(n + 1),
      most: most - 1,
    });
    put(sketch, candidate, target);
    if (rest !== null) return [candidate, ...rest];
  }
  return null;
};

/** What may be moved of all that is on a host in the sketch. */
const placedOn = (sketch: Sketch, target: Place): Guest[] => [
  ...exchangeable(target).filter((guest) => placeOf(sketch, guest) === target),
  ...[...sketch.placed].flatMap(([guest, place]) =>
    place === target && guest.at !== target && !isBound(guest) ? [guest] : [],
  ),
];
