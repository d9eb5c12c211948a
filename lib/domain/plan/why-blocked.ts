import { amount, type Board, type Group, type Guest, type Place } from "./board.ts";
import type { Effort } from "./effort.ts";
import { leastLack } from "./lack.ts";
import { barrierOf, reserveLack } from "./may-open.ts";
import { mayEver } from "./moves.ts";
import { movable } from "./repack.ts";
import { hasVolume, targetsFor } from "./rescue.ts";
import type { Blocked, BlockingRule } from "./timeline.ts";

/** What may be tried to say how little is missing, for all hosts together: about a tenth of a second. */
const MOST_LOOKED_AT = 1_000_000;

/** Why each host that was not maintained was not: at the end of the plan nothing moves any more. */
export const whyBlocked = (board: Board): Blocked[] => {
  const effort = { left: MOST_LOOKED_AT };
  return board.places
    .filter(({ stage }) => stage === "waiting")
    .map((place) => ({ host: place.number, ...reasonFor(board, place, effort) }));
};

type Reason = Omit<Blocked, "host">;

const reasonFor = (board: Board, place: Place, effort: Effort): Reason => {
  const barrier = barrierOf(board, place);
  if (barrier === "pinned") return { instance: pinnedOn(place), rule: barrier, missing: null };
  if (barrier === "reserve")
    return { instance: null, rule: barrier, missing: reserveLack(board, place) };
  if (barrier !== null) return { instance: null, rule: barrier, missing: null };
  const targets = targetsFor(place, place.pool);
  const guests = movable(place);
  for (const guest of guests) {
    const rule = nowhere(guest, targets);
    if (rule === null) continue;
    const missing = rule === "capacity" ? lackFor(board, guests, targets, effort).missing : null;
    return { instance: guest.number, rule, missing };
  }
  const rule = hasVolume(place, targets) ? "not_found" : "capacity";
  return { rule, ...lackFor(board, guests, targets, effort) };
};

const pinnedOn = ({ guests }: Place): number | null =>
  [...guests].find(({ instance }) => instance.fate === "pinned")?.number ?? null;

/** Why the instance may go to none of the hosts, were they empty but for its own group; null = it may. */
const nowhere = (guest: Guest, targets: readonly Place[]): BlockingRule | null => {
  const isAdmissible = (target: Place) => mayEver(target, guest);
  if (!targets.some(isAdmissible)) return "no_target";
  // A host that would do is mostly the first of thousands.
  if (!targets.some((target) => isAdmissible(target) && fitsWhenEmptied(target, guest)))
    return "capacity";
  return guest.groups.length === 0 ? null : groupRule(guest, targets.filter(isAdmissible));
};

/** The rule of its groups that keeps the instance from all of the hosts; null = none does. */
const groupRule = (guest: Guest, targets: readonly Place[]): BlockingRule | null => {
  if (!mayFollow(guest)) return "affinity";
  if (targets.some((target) => groupsBear(target, guest, []))) return null;
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

/** Whether the host has room for the instance if all that may be moved has left it. */
const fitsWhenEmptied = (target: Place, { instance }: Guest): boolean => {
  const movables = movable(target);
  return instance.needs.every((need, r) => {
    const freed = movables.reduce((sum, guest) => sum + amount(guest.instance.needs, r), 0);
    return need === 0 || need <= amount(target.free, r) + freed;
  });
};

/** What has to become free for all of them to leave the host, and the first that finds no place. */
const lackFor = (
  { order }: Board,
  guests: readonly Guest[],
  targets: readonly Place[],
  effort: Effort,
): Pick<Reason, "instance" | "missing"> => {
  const ranked = (amounts: readonly number[]) => order.map((r) => amount(amounts, r));
  const lack = leastLack(
    {
      guests,
      targets,
      needsOf: ({ instance }) => ranked(instance.needs),
      freeOn: ({ free }) => ranked(free),
      bears: (target, guest, newcomers) =>
        mayEver(target, guest) && groupsBear(target, guest, newcomers),
    },
    effort,
  );
  if (lack === null) return { instance: null, missing: null };
  const missing = order.map((_, r) => amount(lack.amounts, order.indexOf(r)));
  return { instance: lack.left[0]?.number ?? null, missing };
};

/** Whether the groups of the instance bear it on the host besides those that are to come. */
const groupsBear = (target: Place, { groups }: Guest, newcomers: readonly Guest[]): boolean =>
  groups.every((group) => {
    const more = newcomers.filter((newcomer) => newcomer.groups.includes(group)).length;
    return group.most === 0 || (group.on.get(target) ?? 0) + more < group.most;
  });
