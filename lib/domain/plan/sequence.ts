import type { Guest, Place } from "./board.ts";
import { isBound } from "./repack.ts";
import { fits, placeOf, put, type Sketch, sketchOf } from "./sketch.ts";

/** What a rescue does, in order: a host is opened, or an instance moves. */
export type Step = { readonly open: Place } | Move;

export type Move = { readonly guest: Guest; readonly target: Place };

/**
 * Puts the moves that lead to a placement into an order in which each has room when its turn comes.
 * Where moves wait for each other in a circle, one of them stays meanwhile on the host that is to
 * become empty; so that host is opened only when nothing goes there any more.
 *
 * @returns null = no such order was found
 */
export const inSequence = (
  goal: Sketch,
  emptied: Place,
  random: (() => number) | null,
): Step[] | null => {
  const now = sketchOf([...goal.targets, emptied]);
  let left: Move[] = [...goal.placed].flatMap(([guest, target]) =>
    target === null || target === guest.at ? [] : [{ guest, target }],
  );
  if (random !== null) left = shuffled(left, random);
  const steps: Move[] = [];
  let detours = 0;
  while (left.length > 0) {
    const next =
      left.find(({ guest, target }) => fits(now, target, guest)) ??
      (detours < MOST_DETOURS ? detour(now, left, emptied) : null);
    if (next === null) return null;
    if (next.target === emptied) detours += 1;
    else left = left.filter(({ guest }) => guest !== next.guest);
    put(now, next.guest, next.target);
    steps.push(next);
  }
  return opening(emptied, steps);
};

/** Opens a host as soon as nothing goes there any more. */
export const opening = (emptied: Place, moves: readonly Move[]): Step[] => {
  const before = moves.findLastIndex(({ target }) => target === emptied) + 1;
  return [...moves.slice(0, before), { open: emptied }, ...moves.slice(before)];
};

const MOST_DETOURS = 20;

/** The smallest instance of a circle that finds room on the host to be emptied. */
const detour = (now: Sketch, left: readonly Move[], emptied: Place): Move | null => {
  const able = left
    .map(({ guest }) => guest)
    .filter(
      (guest) => placeOf(now, guest) !== emptied && !isBound(guest) && fits(now, emptied, guest),
    )
    .sort((a, b) => a.size - b.size || a.number - b.number);
  return able[0] === undefined ? null : { guest: able[0], target: emptied };
};

const shuffled = <Each>(items: readonly Each[], random: () => number): Each[] =>
  items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
