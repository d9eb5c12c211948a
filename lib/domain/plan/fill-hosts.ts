import { amount } from "./board.ts";
import type { Effort } from "./effort.ts";
import { bearable, change, type Layout, type Position, type Puzzle, positionOf } from "./puzzle.ts";

/**
 * Searches for a layout that leaves the last place empty: bin packing for few distinct sizes. One
 * host after the other is completed, the largest instances first, and no more room is left on them
 * than can be spared in all. What remained when it came to nothing is remembered, whichever way it
 * came about.
 *
 * @returns null = there is none, or it would take too much to find it
 */
export const fillHosts = (puzzle: Puzzle, effort: Effort): Layout | null => {
  const { places, kinds, start, room } = puzzle;
  const hosts = [...places.keys()]
    .slice(0, -1)
    .sort((a, b) => amount(room[a] ?? [], 0) - amount(room[b] ?? [], 0));
  const left = kinds.map(({ guests }) => guests.length);
  const spare = (room[0] ?? []).map(
    (_, r) =>
      hosts.reduce((sum, p) => sum + amount(room[p] ?? [], r), 0) -
      kinds.reduce((sum, { needs }, k) => sum + amount(needs, r) * amount(left, k), 0),
  );
  const position = positionOf(puzzle, new Uint16Array(start.length));
  const alike = hosts.map((p, n) => hosts.slice(n).every((other) => areAlike(puzzle, p, other)));
  const search = { puzzle, position, hosts, alike, left, inVain: new Set<string>(), effort };
  return complete(search, 0, spare) ? position.layout : null;
};

const areAlike = ({ room, kinds }: Puzzle, a: number, b: number): boolean =>
  (room[a] ?? []).every((free, r) => free === room[b]?.[r]) &&
  kinds.every(({ mayOn, limits }) => mayOn[a] === mayOn[b] && limits.length === 0);

type Search = {
  readonly puzzle: Puzzle;
  readonly position: Position;
  /** In the order in which they are completed. */
  readonly hosts: readonly number[];
  /** Per host: whether all after it are like it, so that the largest that is left may as well go there. */
  readonly alike: readonly boolean[];
  /** How many of each kind are still to be placed. */
  readonly left: number[];
  /** What remained, and for which hosts, when it came to nothing. */
  readonly inVain: Set<string>;
  readonly effort: Effort;
};

/** Completes the nth host and all after it. @param spare per resource: room that may be left over */
const complete = (search: Search, n: number, spare: readonly number[]): boolean => {
  const { hosts, left, inVain, alike } = search;
  if (spare.some((room) => room < 0)) return false;
  const largest = left.findIndex((count) => count > 0);
  if (largest < 0) return true;
  const p = hosts[n];
  const remains = `${n} ${left.join()}`;
  if (p === undefined || inVain.has(remains)) return false;
  inVain.add(remains);
  if (alike[n] !== true) return fill(search, n, 0, spare);
  if (bearable(search.puzzle, search.position, p, largest) === 0) return false;
  put(search, p, largest, 1);
  if (fill(search, n, largest, spare)) return true;
  put(search, p, largest, -1);
  return false;
};

/** Puts as many of the kth kind as can be on the nth host, else fewer, and goes on. */
const fill = (search: Search, n: number, k: number, spare: readonly number[]): boolean => {
  const { puzzle, position, hosts, left, effort } = search;
  const p = hosts[n] ?? 0;
  if (k === left.length) {
    effort.left -= 1;
    const wasted = (r: number) => amount(position.free, p * spare.length + r);
    return complete(
      search,
      n + 1,
      spare.map((room, r) => room - wasted(r)),
    );
  }
  const most = Math.min(amount(left, k), bearable(puzzle, position, p, k));
  for (let count = most; count >= 0 && effort.left > 0; count--) {
    put(search, p, k, count);
    if (fill(search, n, k + 1, spare)) return true;
    put(search, p, k, -count);
  }
  return false;
};

const put = ({ puzzle, position, left }: Search, p: number, k: number, count: number): void => {
  change(puzzle, position, p, k, count);
  left[k] = amount(left, k) - count;
};
