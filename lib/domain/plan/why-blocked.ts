import { amount, type Board, type Guest, type Place } from "./board.ts";
import { barrierOf, reserveLack } from "./may-open.ts";
import { movable } from "./repack.ts";
import { hasVolume, targetsFor } from "./rescue.ts";
import { fits, groupsBear, mayEver, put, type Sketch, sketchOf } from "./sketch.ts";
import type { Blocked } from "./timeline.ts";

/** Why each host that was not maintained was not: at the end of the plan nothing moves any more. */
export const whyBlocked = (board: Board): Blocked[] =>
  board.places
    .filter(({ stage }) => stage === "waiting")
    .map((place) => ({ host: place.number, ...reasonFor(board, place) }));

type Reason = Omit<Blocked, "host">;

const reasonFor = (board: Board, place: Place): Reason => {
  const barrier = barrierOf(board, place);
  if (barrier === "pinned") return { instance: pinnedOn(place), rule: barrier, missing: null };
  if (barrier === "reserve")
    return { instance: null, rule: barrier, missing: reserveLack(board, place) };
  if (barrier !== null) return { instance: null, rule: barrier, missing: null };
  const targets = targetsFor(place, place.pool);
  const guests = movable(place);
  for (const guest of guests) {
    const reason = nowhere(guest, targets);
    if (reason !== null) return reason;
  }
  const { left, first } = leftOver(guests, targets, place);
  const rule = hasVolume(place, targets) ? "not_found" : "capacity";
  return { instance: first, rule, missing: left };
};

const pinnedOn = ({ guests }: Place): number | null =>
  [...guests].find(({ instance }) => instance.fate === "pinned")?.number ?? null;

/** Why the instance may go to none of the hosts, were they empty but for its own group; null = it may. */
const nowhere = (guest: Guest, targets: readonly Place[]): Reason | null => {
  const instance = guest.number;
  const admissible = targets.filter((target) => mayEver(target, guest));
  if (admissible.length === 0) return { instance, rule: "no_target", missing: null };
  const lacks = admissible.map((target) => lackWhenEmptied(target, guest));
  if (!lacks.includes(null)) return { instance, rule: "capacity", missing: leastOf(lacks) };
  const sketch = sketchOf(targets);
  const isKeptApart = !admissible.some((target) => groupsBear(sketch, target, guest));
  if (!isKeptApart) return null;
  const isApart = guest.groups.some(({ rules }) => rules.policy === "anti-affinity");
  return { instance, rule: isApart ? "anti-affinity" : "max_instances_per_host", missing: null };
};

/** What the host lacks for the instance even if all that may be moved had left it. */
const lackWhenEmptied = (target: Place, { instance }: Guest): number[] | null => {
  const lack = instance.needs.map((need, r) => {
    const movables = movable(target).reduce(
      (sum, guest) => sum + amount(guest.instance.needs, r),
      0,
    );
    return Math.max(0, need - amount(target.free, r) - movables);
  });
  return lack.some((missing) => missing > 0) ? lack : null;
};

const leastOf = (lacks: readonly (number[] | null)[]): number[] | null =>
  lacks
    .filter((lack) => lack !== null)
    .toSorted((a, b) => sumOf(a) - sumOf(b))
    .at(0) ?? null;

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, each) => sum + each, 0);

/** What finds no place, per resource, when each instance, the largest first, goes where there is room. */
const leftOver = (
  guests: readonly Guest[],
  targets: readonly Place[],
  { free }: Place,
): { left: number[]; first: number | null } => {
  const sketch: Sketch = sketchOf(targets);
  let left = free.map(() => 0);
  let first: number | null = null;
  for (const guest of guests) put(sketch, guest, null);
  for (const guest of guests) {
    const target = targets.find((candidate) => fits(sketch, candidate, guest));
    if (target !== undefined) put(sketch, guest, target);
    else {
      first ??= guest.number;
      left = left.map((sum, r) => sum + amount(guest.instance.needs, r));
    }
  }
  return { left, first };
};
