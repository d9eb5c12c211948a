import { amount } from "./board.ts";
import { bearable, change, type Layout, type Position, type Puzzle, positionOf } from "./puzzle.ts";

/** Ways to share out what is on two hosts that are tried. */
const MOST_TRIES = 500;

/**
 * Changes a layout so that fewer have to move for it: two hosts at a time share out anew what they
 * bear together, for as long as more stays where it is by that.
 */
export const keepPlaces = (puzzle: Puzzle, layout: Layout): Layout => {
  const position = positionOf(puzzle, layout.slice());
  const hosts = [...puzzle.places.keys()].slice(0, -1);
  const pairs = hosts.flatMap((a) => hosts.slice(a + 1).map((b): Pair => [a, b]));
  while (pairs.filter((pair) => shareOut(puzzle, position, pair)).length > 0);
  return position.layout;
};

/** Two hosts, or what concerns them. */
type Pair = readonly [number, number];

/** How many of a kind are on each of two hosts, and how many of them stay by that. */
type Share = { readonly on: Pair; readonly kept: number };

/** @returns whether more stays than before */
const shareOut = (puzzle: Puzzle, position: Position, pair: Pair): boolean => {
  const now = puzzle.kinds.map((_, k) =>
    shareOf(puzzle, pair, k, onEach(puzzle, position, pair, k)),
  );
  const shares = now.map(({ on: [a, b] }, k) =>
    Array.from({ length: a + b + 1 }, (_, n) => shareOf(puzzle, pair, k, [n, a + b - n])).sort(
      (x, y) => y.kept - x.kept,
    ),
  );
  const atMost = [0];
  for (const [best] of shares.toReversed()) atMost.unshift(amount(atMost, 0) + (best?.kept ?? 0));
  const toBeat = now.reduce((sum, { kept }) => sum + kept, 0);
  if (amount(atMost, 0) <= toBeat) return false;
  const search: Search = { puzzle, position, pair, shares, atMost, toBeat, tries: 0 };
  for (const [k, { on }] of now.entries()) put(search, k, on, -1);
  if (shareFrom(search, 0, 0)) return true;
  for (const [k, { on }] of now.entries()) put(search, k, on, 1);
  return false;
};

const onEach = ({ kinds }: Puzzle, { layout }: Position, [a, b]: Pair, k: number): Pair => [
  amount(layout, a * kinds.length + k),
  amount(layout, b * kinds.length + k),
];

const shareOf = (puzzle: Puzzle, [a, b]: Pair, k: number, on: Pair): Share => {
  const { kinds, start } = puzzle;
  const kept =
    Math.min(on[0], amount(start, a * kinds.length + k)) +
    Math.min(on[1], amount(start, b * kinds.length + k));
  return { on, kept };
};

type Search = {
  readonly puzzle: Puzzle;
  readonly position: Position;
  readonly pair: Pair;
  /** Per kind, the best first. */
  readonly shares: readonly (readonly Share[])[];
  /** How many can stay of all kinds from one on. */
  readonly atMost: readonly number[];
  /** How many stay as it is. */
  readonly toBeat: number;
  tries: number;
};

/** Shares out the kinds from the kth on. @param kept how many of those before it stay */
const shareFrom = (search: Search, k: number, kept: number): boolean => {
  const { puzzle, position, pair, shares, atMost, toBeat } = search;
  if (k === shares.length) return true;
  for (const share of shares[k] ?? []) {
    search.tries += 1;
    const bound = kept + share.kept + amount(atMost, k + 1);
    if (search.tries > MOST_TRIES || bound <= toBeat) return false;
    const fits = pair.every((p, n) => amount(share.on, n) <= bearable(puzzle, position, p, k));
    if (!fits) continue;
    put(search, k, share.on, 1);
    if (shareFrom(search, k + 1, kept + share.kept)) return true;
    put(search, k, share.on, -1);
  }
  return false;
};

const put = ({ puzzle, position, pair }: Search, k: number, on: Pair, sign: 1 | -1): void => {
  for (const [n, p] of pair.entries()) change(puzzle, position, p, k, sign * amount(on, n));
};
