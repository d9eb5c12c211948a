import { amount, type Board, type Place, type Pool } from "./board.ts";
import { close, leave, open } from "./hosts.ts";
import { mayOpen, surelyEndsInTime } from "./may-open.ts";
import { begin, mayBegin, mayTake } from "./moves.ts";
import { numbersFrom } from "./random.ts";
import { rearrange } from "./rearrange.ts";
import { movable, repack } from "./repack.ts";
import { inSequence, type Step } from "./sequence.ts";

/**
 * When nothing moves any more and hosts remain: gives up what is half emptied, which costs nothing,
 * and looks for one host of which *all* instances find a place, others changing places for them if
 * need be. Only that host is then emptied, so that each rescue ends with one host more at work, and
 * nothing can wait for each other for ever (the banker's test, with one customer).
 *
 * @returns whether there was such a host
 */
export const rescue = (board: Board): boolean => {
  for (const pool of board.pools) {
    giveUp(board, pool);
    const remaining = pool.places
      .filter((place) => place.stage === "waiting" && !place.isStuck && mayBeAlone(board, place))
      .sort((a, b) => a.load - b.load || a.number - b.number);
    pool.rescue = firstWayOut(remaining, pool);
    if (pool.rescue === null) continue;
    pool.touched = true;
    return true;
  }
  return false;
};

/** Whether it may be opened while nothing else is: then even a host that was thought late may be in time. */
const mayBeAlone = (board: Board, place: Place): boolean => {
  if (place.isLate && surelyEndsInTime(board, place)) place.isLate = false;
  return mayOpen(board, place);
};

const giveUp = (board: Board, pool: Pool): void => {
  if (pool.rescue !== null) pool.rescue.place.isStuck = true;
  for (const place of [...pool.queue]) close(board, place);
};

/** Hosts that are tried: with exchanges that suggest themselves, with all means, and with some luck. */
const TRIED = { first: 60, thoroughly: 6, byChance: 4 };
/** What may be tried thoroughly, for all of them together: about a tenth of a second. */
const MOST_TRIES = 200_000;
/** Tries by chance for each. */
const CHANCES = 20;

const firstWayOut = (waiting: readonly Place[], pool: Pool): Pool["rescue"] => {
  const remaining = waiting.filter((place) => hasVolume(place, targetsFor(place, pool)));
  const effort = { left: MOST_TRIES };
  const exchange = (place: Place) => wayOut(place, pool, null);
  const thoroughly = (place: Place) => rearrange(place, targetsFor(place, pool), effort);
  const byChance = (place: Place) => {
    const random = numbersFrom(place.number);
    return firstOf(Array(CHANCES).keys(), () => wayOut(place, pool, random));
  };
  return (
    rescueOf(remaining.slice(0, TRIED.first), exchange) ??
    rescueOf(remaining.slice(0, TRIED.thoroughly), thoroughly) ??
    rescueOf(remaining.slice(0, TRIED.byChance), byChance)
  );
};

const rescueOf = (
  places: readonly Place[],
  wayFor: (place: Place) => Step[] | null,
): Pool["rescue"] =>
  firstOf(places, (place) => {
    const steps = wayFor(place);
    return steps && { place, steps };
  });

const firstOf = <Each, Found>(
  items: Iterable<Each>,
  find: (item: Each) => Found | null,
): Found | null => {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
};

/** Moves after which the host is empty, others of its pool changing places for it if need be. */
const wayOut = (place: Place, pool: Pool, random: (() => number) | null): Step[] | null => {
  const goal = repack(place, targetsFor(place, pool), random);
  return goal && inSequence(goal, place, random);
};

/** Whether what is free is enough for all that is on the host, if it could be cut at will. */
export const hasVolume = (place: Place, targets: readonly Place[]): boolean =>
  place.free.every((_, r) => {
    let free = 0;
    for (const target of targets) free += Math.max(0, amount(target.free, r));
    return movable(place).reduce((sum, { instance }) => sum + amount(instance.needs, r), 0) <= free;
  });

/** Hosts of the pool that may take instances; at this moment none is open. */
export const targetsFor = (place: Place, { places }: Pool): Place[] =>
  places.filter(
    (other) => other !== place && other.host.takes && !other.isShut && other.stage !== "working",
  );

/** Goes on with a rescue as far as is possible now: each step waits for the one before. @returns whether one is under way */
export const goOnRescuing = (board: Board, pool: Pool): boolean => {
  if (pool.rescue === null) return false;
  const { steps, place } = pool.rescue;
  while (steps[0] !== undefined && takeStep(board, steps[0])) steps.shift();
  const isOver = steps.length === 0 && place.stage !== "open";
  if (isOver) pool.rescue = null;
  return !isOver;
};

const takeStep = (board: Board, step: Step): boolean => {
  if ("open" in step) {
    if (!mayOpen(board, step.open)) return false;
    open(board, step.open);
    return true;
  }
  const { guest, target } = step;
  const isPossible =
    guest.at.freeSlots > 0 &&
    target.freeSlots > 0 &&
    mayTake(target, guest) &&
    mayBegin(board, guest);
  if (!isPossible) return false;
  if (guest.at.stage === "open") leave(guest.at, guest);
  begin(board, guest, target);
  return true;
};
