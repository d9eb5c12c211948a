import { isRecovered, mayImpact, type Rule, TOLERANCE, takesNow } from "./rule.ts";
import { at, destination, freeOn, hostAt, instanceAt, mostOnOneHost, type World } from "./world.ts";

export type Move = { readonly instance: number; readonly from: number; readonly to: number };

/** What every move has to keep when it begins. */
export const ON_START: readonly Rule<Move>[] = [
  ["source", (world, { from }) => at(world.stage, from) !== "work"],
  ["target", (world, { to }) => takesNow(world, to)],
  ["pinned", (world, { instance }) => instanceAt(world, instance).fate !== "pinned"],
  ["stays", (world, { instance }) => instanceAt(world, instance).fate !== "stays"],
  ["lead_seconds", (world, move) => world.t + TOLERANCE >= readyAt(world, move)],
  ["capacity", (world, { instance, to }) => hasRoom(world, instance, to)],
  [
    "slots",
    (world, { from, to }) => [from, to].every((host) => at(world.busy, host) < world.rules.slots),
  ],
  ["anti-affinity", (world, move) => keepsApart(world, move, true)],
  ["max_instances_per_host", (world, move) => keepsApart(world, move, false)],
  ["affinity", staysTogether],
  ["same_zone", keepsZone],
  ["cell", keepsCell],
  ["version", keepsVersion],
  ["refused", keepsRefusals],
  [
    "max_impacted_members",
    (world, { instance }) =>
      instanceAt(world, instance).groups.every((group) => mayImpact(world, group, 1)),
  ],
  [
    "recovery_seconds",
    (world, { instance }) =>
      instanceAt(world, instance).groups.every((group) => isRecovered(world, group, instance)),
  ],
];

const readyAt = (world: World, { instance, from }: Move): number =>
  (at(world.stage, from) === "open" ? at(world.opened_at, from) : 0) +
  instanceAt(world, instance).lead_seconds;

/** Whether a host has the room that an instance needs, now. */
export function hasRoom(world: World, instance: number, to: number): boolean {
  return instanceAt(world, instance).needs.every(
    (need, resource) => need === 0 || need <= freeOn(world, to, resource) + TOLERANCE,
  );
}

/** Whether a host has place for one more of the instance's groups, of hard anti-affinity or of others. */
export function keepsApart(world: World, { instance, to }: Move, isHard: boolean): boolean {
  return instanceAt(world, instance).groups.every((index) => {
    const group = at(world.cluster.groups, index);
    if ((group.policy === "anti-affinity") !== isHard) return true;
    return (at(world.members, index).get(to) ?? 0) < mostOnOneHost(group);
  });
}

/** Whether those an instance is bound to are still where it leaves, or go or went where it goes. */
function staysTogether(world: World, { instance, from, to }: Move): boolean {
  return at(world.bonds, instance)
    .flat()
    .filter((other) => other !== instance)
    .every((other) => [from, to].includes(destination(world, other)));
}

export function keepsZone(world: World, { from, to }: Move): boolean {
  return !world.rules.same_zone || hostAt(world, from).zone === hostAt(world, to).zone;
}

export function keepsCell(world: World, { from, to }: Move): boolean {
  const [source, target] = [hostAt(world, from).cell, hostAt(world, to).cell];
  return source === null || target === null || source === target;
}

export function keepsVersion(world: World, { from, to }: Move): boolean {
  return hostAt(world, to).version >= hostAt(world, from).version;
}

export function keepsRefusals(world: World, { instance, to }: Move): boolean {
  return !instanceAt(world, instance).refused.includes(to);
}

/** Whether a move may begin now, but for the lead time: it began before anybody counted. */
export const mayStart = (world: World, move: Move): boolean =>
  ON_START.every(([rule, isKept]) => rule === "lead_seconds" || isKept(world, move));
