import { amount, type Board, type Group, type Guest, type Place } from "./board.ts";
import { barrierOf, reserveLack } from "./may-open.ts";
import { mayEver } from "./moves.ts";
import { movable } from "./repack.ts";
import { hasVolume, targetsFor } from "./rescue.ts";
import { fits, groupsBear, put, type Sketch, sketchOf } from "./sketch.ts";
import type { Blocked, BlockingRule } from "./timeline.ts";

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
  return { instance: first, rule, missing: first === null ? null : left };
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
  const rule = groupRule(guest, admissible);
  return rule === null ? null : { instance, rule, missing: null };
};

/** The rule of its groups that keeps the instance from all of the hosts; null = none does. */
const groupRule = (guest: Guest, targets: readonly Place[]): BlockingRule | null => {
  if (!mayFollow(guest)) return "affinity";
  const sketch = sketchOf(targets);
  if (targets.some((target) => groupsBear(sketch, target, guest))) return null;
  const refuses =
    ({ most, on }: Group) =>
    (target: Place) =>
      most > 0 && (on.get(target) ?? 0) >= most;
  const group =
    guest.groups.find((each) => targets.every(refuses(each))) ??
    guest.groups.find((each) => targets.some(refuses(each)));
  return group?.rules.policy === "anti-affinity" ? "anti-affinity" : "max_instances_per_host";
};

/** Whether all that it has to stay together with may leave its host, too. */
const mayFollow = ({ groups, at }: Guest): boolean =>
  groups.every(
    ({ rules, members }) =>
      rules.policy !== "affinity" ||
      members.every((member) => member.at !== at || member.instance.fate === "moves"),
  );

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
