import { amount, type Guest, type Place } from "./board.ts";
import type { Effort } from "./effort.ts";
import { fillHosts } from "./fill-hosts.ts";
import { keepPlaces } from "./keep-places.ts";
import { orderMoves, type Shift } from "./order-moves.ts";
import { type Layout, type Puzzle, puzzleOf } from "./puzzle.ts";
import { isBound, movable } from "./repack.ts";
import { type Move, opening, type Step } from "./sequence.ts";
import { tellApart, withoutTelling } from "./tell-apart.ts";

/** Targets that are rearranged at most, those with the most room, and instances on them. */
const MOST_TARGETS = 24;
const MOST_INSTANCES = 800;

/**
 * Empties a host when its targets have room enough in all, but in pieces: looks for any placement
 * that leaves the host empty, changes it so that as much as possible stays where it is, and then
 * for an order of moves that leads there.
 *
 * @returns null = nothing was found, or something on the host has to stay together, or too much is different
 */
export const rearrange = (
  place: Place,
  targets: readonly Place[],
  effort: Effort,
): Step[] | null => {
  const leaving = movable(place);
  if (leaving.some(isBound)) return null;
  const puzzle = puzzleOf(place, leaving, roomiest(targets));
  const goal = puzzle && goalOf(puzzle, effort);
  const shifts = goal && orderMoves(puzzle, goal, effort);
  return shifts && stepsOf(puzzle, shifts);
};

/**
 * A placement is first looked for without telling apart what needs the same, which is easier by
 * far; only if groups or refusals forbid what was found, it is looked for with regard to them.
 */
const goalOf = (puzzle: Puzzle, effort: Effort): Layout | null => {
  const coarse = withoutTelling(puzzle);
  const found = fillHosts(coarse, effort);
  if (found === null) return null;
  const goal = tellApart(puzzle, keepPlaces(coarse, found)) ?? fillHosts(puzzle, effort);
  return goal && keepPlaces(puzzle, goal);
};

const roomiest = (targets: readonly Place[]): readonly Place[] => {
  let instances = 0;
  return targets
    .toSorted((a, b) => amount(b.free, 0) - amount(a.free, 0) || a.number - b.number)
    .slice(0, MOST_TARGETS)
    .filter(({ guests }) => {
      instances += guests.length;
      return instances <= MOST_INSTANCES;
    });
};

/** Says which of each kind moves. */
const stepsOf = ({ places, kinds }: Puzzle, shifts: readonly Shift[]): Step[] => {
  const moved = new Map<Guest, Place>();
  const moves = shifts.flatMap(({ kind, from, to }): Move[] => {
    const isThere = (guest: Guest) => (moved.get(guest) ?? guest.at) === places[from];
    const guest = kinds[kind]?.guests.find(isThere);
    const target = places[to];
    if (guest === undefined || target === undefined) return [];
    moved.set(guest, target);
    return [{ guest, target }];
  });
  return places.slice(-1).flatMap((emptied) => opening(emptied, moves));
};
