import TinyQueue from "tinyqueue";
import { amount } from "./board.ts";
import type { Effort } from "./effort.ts";
import { bearable, type Layout, type Puzzle, positionOf } from "./puzzle.ts";
import { numbersFrom } from "./random.ts";

/** One of a kind moves from a place to another one. */
export type Shift = { readonly kind: number; readonly from: number; readonly to: number };

/**
 * Searches for moves, one after the other, each of which has room when its turn comes, that lead to
 * a layout: best first, by the moves made and by what is still astray. Anything may stay meanwhile
 * on any host that has room, even what had found its place.
 *
 * @returns null = no moves lead there, or it would take too much to find them
 */
export const orderMoves = (puzzle: Puzzle, goal: Layout, effort: Effort): Shift[] | null => {
  const search = openSearch(puzzle, goal);
  for (let node = search.queue.pop(); node !== undefined; node = search.queue.pop()) {
    if (node.astray === 0) return wayTo(node);
    if (effort.left <= 0) return null;
    effort.left -= TRIES_EACH * goOnFrom(search, node);
  }
  return null;
};

/** A layout that is found takes as long as so many fillings of a host. */
const TRIES_EACH = 3;

/** A layout that moves lead to. */
type Node = {
  readonly before: { readonly node: Node; readonly shift: Shift } | null;
  readonly moves: number;
  /** The weights of all that is not where it belongs. */
  readonly astray: number;
  /** The sum of the codes of where everything is: hardly two layouts have the same. */
  readonly code: number;
  /** The lowest is next, of equal ones the one that was found last. */
  readonly rank: number;
  readonly found: number;
};

type Search = {
  readonly puzzle: Puzzle;
  readonly goal: Layout;
  /** Per kind: what it counts if one is astray. */
  readonly weights: readonly number[];
  readonly codes: readonly number[];
  readonly seen: Set<number>;
  readonly queue: TinyQueue<Node>;
  found: number;
};

const openSearch = (puzzle: Puzzle, goal: Layout): Search => {
  const { kinds, start } = puzzle;
  const weights = weightsOf(puzzle);
  const random = numbersFrom(1);
  let astray = 0;
  for (const [at, count] of start.entries())
    astray += Math.max(0, count - amount(goal, at)) * amount(weights, at % kinds.length);
  const root: Node = { before: null, moves: 0, astray, code: 0, rank: astray, found: 0 };
  return {
    puzzle,
    goal,
    weights,
    codes: Array.from(start, () => Math.floor(random() * 2 ** 40)),
    seen: new Set([root.code]),
    queue: new TinyQueue([root], (a, b) => a.rank - b.rank || b.found - a.found),
    found: 0,
  };
};

/** What a move counts that was made, and what an instance that is astray: `each`, and more by its size. */
const MOVE_MADE = 20;
const ASTRAY = { each: 30, ofMeanSize: 100 };

/** The larger, the harder it is to find a way for it. Whole numbers, so that nothing is lost in sums. */
const weightsOf = ({ kinds }: Puzzle): number[] => {
  const count = kinds.reduce((sum, { guests }) => sum + guests.length, 0);
  const mean = kinds.reduce((sum, { guests, size }) => sum + guests.length * size, 0) / count;
  return kinds.map(({ size }) => ASTRAY.each + Math.round((ASTRAY.ofMeanSize * size) / mean));
};

/** Looks at every move that is possible next. @returns how many lead to a layout that was not known */
const goOnFrom = (search: Search, node: Node): number => {
  const { puzzle, seen, codes, queue } = search;
  const layout = layoutOf(puzzle, node);
  const before = search.found;
  for (const shift of shiftsFrom(puzzle, layout)) {
    const { begin, end } = cellsOf(puzzle, shift);
    const code = node.code - amount(codes, begin) + amount(codes, end);
    if (seen.has(code)) continue;
    seen.add(code);
    queue.push(nodeAfter(search, { node, shift }, layout, code));
  }
  return search.found - before;
};

const shiftsFrom = (puzzle: Puzzle, layout: Layout): Shift[] => {
  const { places, kinds, ways } = puzzle;
  const position = positionOf(puzzle, layout);
  const shifts: Shift[] = [];
  for (let to = 0; to < places.length; to++)
    for (let kind = 0; kind < kinds.length; kind++) {
      if (bearable(puzzle, position, to, kind) === 0) continue;
      for (let from = 0; from < places.length; from++)
        if (amount(layout, from * kinds.length + kind) > 0 && ways[from]?.[to] === true)
          shifts.push({ kind, from, to });
    }
  return shifts;
};

const nodeAfter = (
  search: Search,
  before: NonNullable<Node["before"]>,
  layout: Layout,
  code: number,
): Node => {
  const { goal, puzzle, weights } = search;
  const { node, shift } = before;
  const { begin, end } = cellsOf(puzzle, shift);
  const wasAstray = amount(layout, begin) > amount(goal, begin);
  const isAstray = amount(layout, end) >= amount(goal, end);
  const astray = node.astray + (Number(isAstray) - Number(wasAstray)) * amount(weights, shift.kind);
  const moves = node.moves + 1;
  search.found += 1;
  return { before, moves, astray, code, rank: moves * MOVE_MADE + astray, found: search.found };
};

const wayTo = (node: Node): Shift[] => {
  const shifts: Shift[] = [];
  for (let { before } = node; before !== null; before = before.node.before)
    shifts.push(before.shift);
  return shifts.reverse();
};

const layoutOf = (puzzle: Puzzle, node: Node): Layout => {
  const layout = puzzle.start.slice();
  for (const shift of wayTo(node)) {
    const { begin, end } = cellsOf(puzzle, shift);
    layout[begin] = amount(layout, begin) - 1;
    layout[end] = amount(layout, end) + 1;
  }
  return layout;
};

/** Where in a layout the instance is counted before and after. */
const cellsOf = ({ kinds }: Puzzle, { kind, from, to }: Shift): { begin: number; end: number } => ({
  begin: from * kinds.length + kind,
  end: to * kinds.length + kind,
});
