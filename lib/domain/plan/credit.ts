import type { Board, Place, Pool } from "./board.ts";
import { open, promise } from "./hosts.ts";
import { mayOpen } from "./may-open.ts";

/** How a plan is steered; `search.ts` looks for the best course. */
export type Course = {
  /** Share of all room whose hosts are emptied first, onto hosts that are still to be maintained. */
  readonly early: number;
  /** Share of all room whose hosts may be funded in full at once; what is left over begins others early. */
  readonly cap: number;
};

/**
 * Promises the free room on maintained hosts to those being emptied: in full to few, which so come
 * to their work soon, and what is left over to others, which begin with their smallest instances.
 * Opens hosts as long as there is room to promise.
 */
export const fund = (board: Board, pool: Pool, course: Course): void => {
  pool.changed = false;
  if (roomOf(pool) <= 0) return;
  const most = course.cap * pool.size;
  const drains = pool.queue.filter(({ early, pending }) => !early && pending.length > 0);
  const rest = drains.filter((place) => !isFunded(place)).sort(urgency(pool));
  let funded = sizeOf(drains.filter(isFunded));
  for (const place of rest) {
    if (funded >= most || roomOf(pool) <= 0) break;
    if (topUp(place)) funded += place.size;
  }
  while (funded < most && roomOf(pool) > 0) {
    const place = openNext(board, pool);
    if (place === null) break;
    if (topUp(place)) funded += place.size;
  }
  if (roomOf(pool) > 0) beginOthers(board, pool, most);
};

const sizeOf = (places: readonly Place[]): number =>
  places.reduce((sum, { size }) => sum + size, 0);

const roomOf = ({ settledShare, promised }: Pool): number => settledShare - promised;

/** Whether it may use as much room as it still needs. */
export const isFunded = ({ credit, need }: Place): boolean => credit >= need;

/** Short drains first, so that their hosts are at work soon; at the very end the long ones, which nothing else would hide. */
const urgency = (pool: Pool): ((a: Place, b: Place) => number) => {
  const isLastWave = !pool.places.some(({ stage }) => stage === "waiting");
  const sign = isLastWave ? -1 : 1;
  return (a, b) => sign * (a.remaining - b.remaining) || a.number - b.number;
};

/** @returns whether the host is funded in full now */
const topUp = (place: Place): boolean => {
  promise(place, Math.min(place.need - place.credit, roomOf(place.pool)));
  return isFunded(place);
};

/** Of the zone that comes first, the host with the least on it that may be opened. */
const openNext = (board: Board, pool: Pool): Place | null => {
  let next: Place | null = null;
  for (const place of pool.places)
    if (place.stage === "waiting" && (next === null || isBefore(place, next)))
      if (mayOpen(board, place)) next = place;
  if (next !== null) open(board, next);
  return next;
};

const isBefore = (a: Place, b: Place): boolean =>
  a.rank < b.rank || (a.rank === b.rank && a.load < b.load);

/** Spreads the room that is left over, so that the hosts with the most left to fund have the least of it unfunded. */
const beginOthers = (board: Board, pool: Pool, most: number): void => {
  const others = pool.queue.filter((place) => !place.early && !isFunded(place));
  for (let begun = sizeOf(others); begun < most; ) {
    const place = openNext(board, pool);
    if (place === null) break;
    others.push(place);
    begun += place.size;
  }
  others.sort((a, b) => unfunded(b) - unfunded(a) || a.number - b.number);
  const level = levelFor(others.map(unfunded), roomOf(pool));
  for (const place of others)
    if (unfunded(place) > level)
      promise(place, Math.min(unfunded(place) - level, Math.max(0, roomOf(pool))));
};

const unfunded = ({ need, credit }: Place): number => need - credit;

/** The height to which columns, the highest first, can be cut down by `amount` in all. */
const levelFor = (heights: readonly number[], amount: number): number => {
  let sum = 0;
  for (const [n, height] of heights.entries()) {
    sum += height;
    const level = (sum - amount) / (n + 1);
    if (level >= (heights[n + 1] ?? 0)) return Math.max(0, Math.ceil(level));
  }
  return 0;
};
