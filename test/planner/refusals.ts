import type { Blocked, BlockingRule } from "../../lib/domain/plan/timeline.ts";
import { keepsReserve } from "./host-rules.ts";
import {
  hasRoom,
  keepsApart,
  keepsCell,
  keepsRefusals,
  keepsVersion,
  keepsZone,
} from "./move-rules.ts";
import { isNear, sum, TOLERANCE } from "./rule.ts";
import {
  at,
  freeOn,
  hostAt,
  instanceAt,
  leaversOf,
  mostOnOneHost,
  staysOn,
  type World,
} from "./world.ts";

/** What is not true of a refusal, in the world as it is when the plan has ended. */
export const refusalsOf = (world: World, blocked: Blocked): string[] => {
  const { host, instance, rule, missing } = blocked;
  const wrong: string[] = [];
  if (instance !== null && !at(world.guests, host).has(instance))
    wrong.push("the instance is not on the host");
  if (missing !== null && !["capacity", "reserve", "not_found"].includes(rule))
    wrong.push("room is not what is missing");
  if (!IS_TRUE[rule](world, blocked)) wrong.push(`${rule} is not true`);
  if (["capacity", "not_found"].includes(rule) && !isExact(world, blocked))
    wrong.push("another amount is missing");
  return wrong;
};

const IS_TRUE: Record<BlockingRule, (world: World, blocked: Blocked) => boolean> = {
  pinned: (world, blocked) =>
    named(world, blocked).some((id) => instanceAt(world, id).fate === "pinned"),
  no_target: (world, blocked) =>
    named(world, blocked).some((id) => allowed(world, id).length === 0),
  capacity: isShort,
  "anti-affinity": (world, blocked) =>
    named(world, blocked).some((id) => isKeptApart(world, id, true)),
  max_instances_per_host: (world, blocked) =>
    named(world, blocked).some((id) => isKeptApart(world, id, false)),
  affinity: (world, blocked) => named(world, blocked).some((id) => isKeptTogether(world, id)),
  max_impacted_members: (world, { host }) => downTogether(world, host),
  window: (world, { host }) => endsTooLate(world, host),
  reserve: (world, { host }) => isHeldBack(world, host),
  not_found: (world, { host }) => !isProven(world, host),
};

/** The instance that a refusal names; else all that have to leave the host. */
const named = (world: World, { host, instance }: Blocked): number[] =>
  instance === null ? leaversOf(world, host) : [instance];

/**
 * Hosts that may take an instance, whatever their room and their groups; open ones too: what is not
 * maintained after all can be put back.
 */
const allowed = (world: World, instance: number): number[] => {
  const from = at(world.place, instance);
  return [...world.cluster.hosts.keys()].filter((to) => {
    const move = { instance, from, to };
    return (
      to !== from &&
      hostAt(world, to).takes &&
      at(world.stage, to) !== "shut" &&
      keepsZone(world, move) &&
      keepsCell(world, move) &&
      keepsVersion(world, move) &&
      keepsRefusals(world, move)
    );
  });
};

const groupsAllow = (world: World, instance: number, to: number): boolean => {
  const move = { instance, from: at(world.place, instance), to };
  return keepsApart(world, move, true) && keepsApart(world, move, false);
};

const fitsNowhere = (world: World, instance: number): boolean =>
  !allowed(world, instance).some(
    (to) => hasRoom(world, instance, to) && groupsAllow(world, instance, to),
  );

/** Room is what keeps the host: of its whole set by volume, or of one instance that no host could bear even if others made way. */
function isShort(world: World, { host, instance, missing }: Blocked): boolean {
  if (missing === null || !missing.some((amount) => amount > 0)) return false;
  if (missing.length !== world.cluster.resources.length) return false;
  const targets = new Set(leaversOf(world, host).flatMap((id) => allowed(world, id)));
  const isShortInAll =
    exceedsVolume(world, host, targets) &&
    !exceedsVolume(world, host, targets, (r) => at(missing, r));
  const wouldFit = (more: (r: number) => number) =>
    instance !== null &&
    allowed(world, instance).some((to) =>
      instanceAt(world, instance).needs.every(
        (need, r) => need === 0 || need <= mostFreeOn(world, to, r) + more(r) + TOLERANCE,
      ),
    );
  return isShortInAll || (!wouldFit(() => 0) && wouldFit((r) => at(missing, r)));
}

/** More ways to place what leaves a host than these are not looked at. */
const MOST_LAYOUTS = 5_000;

/**
 * Whether exactly so much is missing: what finds no place of all that leaves the host, less what is
 * left on one host for it, the least over all ways to place them. Where there are too many of these
 * to look at, any amount is believed.
 */
const isExact = (world: World, { host, missing }: Blocked): boolean => {
  const { resources } = world.cluster;
  const ranked = (amounts: readonly number[]) => byWeight(resources).map((r) => at(amounts, r));
  const least = leastOf(ranked, missingInLayouts(world, host));
  if (least === null) return true;
  const isNothing = least.every((amount) => amount <= TOLERANCE);
  return missing === null
    ? isNothing
    : least.every((amount, n) => isNear(amount, at(ranked(missing), n)));
};

/** Processors weigh most, then memory, then the others in their order. */
const byWeight = (resources: readonly string[]): number[] => {
  const weight = (r: number) => ["MEMORY_MB", "VCPU"].indexOf(at(resources, r));
  return [...resources.keys()].sort((a, b) => weight(b) - weight(a));
};

const leastOf = (
  ranked: (amounts: readonly number[]) => number[],
  found: Iterable<readonly number[]>,
): number[] | null => {
  let least: number[] | null = null;
  for (const amounts of found) {
    const one = ranked(amounts);
    if (least === null || isLess(one, least)) least = one;
  }
  return least;
};

const isLess = (a: readonly number[], b: readonly number[]): boolean => {
  const first = a.findIndex((amount, r) => Math.abs(amount - at(b, r)) > TOLERANCE);
  return first >= 0 && at(a, first) < at(b, first);
};

/** What is missing in each way to place what leaves the host: whole what is left out, or too much on one target. */
function* missingInLayouts(world: World, host: number): Generator<number[]> {
  const ids = leaversOf(world, host);
  const targets = [...new Set(ids.flatMap((id) => allowed(world, id)))];
  if ((targets.length + 1) ** ids.length > MOST_LAYOUTS) return;
  for (const layout of layoutsOf(ids, targets.length + 1)) {
    const nowhere = at(layout, targets.length);
    const short = targets.flatMap((to, n) => {
      const lack = lackOf(world, to, at(layout, n));
      return lack.some((amount) => amount > TOLERANCE) ? [lack] : [];
    });
    if (short.length > 1 || !targets.every((to, n) => mayTakeAll(world, to, at(layout, n))))
      continue;
    yield world.cluster.resources.map(
      (_, r) => neededBy(world, nowhere, r) + sum(short, (lack) => at(lack, r)),
    );
  }
}

/** Every way to put each of them in one of so many places. */
function* layoutsOf(ids: readonly number[], places: number): Generator<number[][]> {
  const [first, ...rest] = ids;
  if (first === undefined) {
    yield Array.from({ length: places }, () => []);
    return;
  }
  for (const layout of layoutsOf(rest, places))
    for (let n = 0; n < places; n++) yield layout.with(n, [...at(layout, n), first]);
}

const neededBy = (world: World, ids: readonly number[], resource: number): number =>
  sum(ids, (id) => at(instanceAt(world, id).needs, resource));

const lackOf = (world: World, to: number, ids: readonly number[]): number[] =>
  world.cluster.resources.map((_, r) => {
    const needed = neededBy(world, ids, r);
    return needed === 0 ? 0 : Math.max(0, needed - freeOn(world, to, r));
  });

/** Whether a host may take all of them, whatever its room: each by itself, and their groups all together. */
const mayTakeAll = (world: World, to: number, ids: readonly number[]): boolean =>
  ids.every((id) => allowed(world, id).includes(to)) &&
  world.cluster.groups.every((group, index) => {
    const members = ids.filter((id) => instanceAt(world, id).groups.includes(index)).length;
    const there = at(world.members, index).get(to) ?? 0;
    return members === 0 || there + members <= mostOnOneHost(group);
  });

/** What of a host would be free, had all that may be moved left it: others may make way. */
const mostFreeOn = (world: World, host: number, resource: number): number =>
  freeOn(world, host, resource) +
  sum(
    leaversOf(world, host).filter((id) => instanceAt(world, id).fate === "moves"),
    (id) => at(instanceAt(world, id).needs, resource),
  );

/** Whether what has to leave a host is more than all that is free on some hosts, and so much more. */
const exceedsVolume = (
  world: World,
  host: number,
  targets: ReadonlySet<number>,
  more: (resource: number) => number = () => 0,
): boolean => {
  const leaving = leaversOf(world, host);
  return world.cluster.resources.some((_, r) => {
    const needed = sum(leaving, (id) => at(instanceAt(world, id).needs, r));
    const free = sum([...targets], (to) => freeOn(world, to, r));
    return needed > 0 && needed > free + more(r) + TOLERANCE;
  });
};

/**
 * All hosts that moves from a host may lead to, over others if need be. Nothing that is there ever
 * leaves them, so that no move changes how much of them is taken in all.
 */
const within = (world: World, host: number): Set<number> => {
  const reached = new Set([host]);
  for (const from of reached)
    for (const to of world.cluster.hosts.keys()) {
      const move = { instance: 0, from, to };
      if (hostAt(world, to).takes && keepsZone(world, move) && keepsCell(world, move))
        reached.add(to);
    }
  reached.delete(host);
  return reached;
};

/** Whether nothing but groups keeps an instance from the room there is, or groups from all targets. */
const isKeptApart = (world: World, instance: number, isHard: boolean): boolean => {
  const targets = allowed(world, instance);
  const from = at(world.place, instance);
  const refuses = (to: number) => !keepsApart(world, { instance, from, to }, isHard);
  return (
    fitsNowhere(world, instance) &&
    targets.some(refuses) &&
    (targets.every((to) => !groupsAllow(world, instance, to)) ||
      targets.some((to) => refuses(to) && hasRoom(world, instance, to)))
  );
};

/** Whether no target takes all that an instance has to stay together with. */
const isKeptTogether = (world: World, instance: number): boolean => {
  const bound = at(world.bonds, instance).flat();
  if (bound.length === 0) return false;
  const here = [...new Set(bound)].filter(
    (id) => at(world.place, id) === at(world.place, instance),
  );
  const gone = bound
    .map((id) => at(world.place, id))
    .filter((to) => to !== at(world.place, instance));
  return !allowed(world, instance).some(
    (to) =>
      gone.every((other) => other === to) &&
      here.every((id) => allowed(world, id).includes(to) && groupsAllow(world, id, to)) &&
      here.every((id) => instanceAt(world, id).fate === "moves") &&
      world.cluster.resources.every(
        (_, r) => sum(here, (id) => at(instanceAt(world, id).needs, r)) <= freeOn(world, to, r),
      ),
  );
};

/** Whether a host might end too late, were it emptied one move after the other from now on. */
const endsTooLate = (world: World, host: number): boolean => {
  const { ends_in_seconds } = world.rules;
  if (ends_in_seconds === null) return false;
  const leaving = leaversOf(world, host).map((id) => instanceAt(world, id));
  const lead = leaving.reduce((most, { lead_seconds }) => Math.max(most, lead_seconds), 0);
  const moves = sum(leaving, ({ move_seconds, groups }) => {
    const pauses = groups.map((group) => at(world.cluster.groups, group).recovery_seconds);
    return move_seconds + Math.max(0, ...pauses);
  });
  return world.t + lead + moves + hostAt(world, host).work_seconds > ends_in_seconds;
};

/** Whether more members of a group go down with the host than may. */
const downTogether = (world: World, host: number): boolean =>
  [...Map.groupBy(staysOn(world, host), ([, group]) => group)].some(([group, members]) => {
    const { max_impacted_members } = at(world.cluster.groups, group);
    return max_impacted_members > 0 && members.length > max_impacted_members;
  });

/** Whether the reserve of its zone would be broken, were a host that is not open opened now. */
const isHeldBack = (world: World, host: number): boolean =>
  ["closed", "shut"].includes(at(world.stage, host)) &&
  !keepsReserve({ ...world, stage: world.stage.with(host, "open") }, hostAt(world, host).zone);

/** Whether simple reasons prove that the host cannot be emptied, in any order of moves. */
const isProven = (world: World, host: number): boolean =>
  exceedsVolume(world, host, within(world, host)) ||
  leaversOf(world, host).some(
    (id) =>
      instanceAt(world, id).fate === "pinned" || isTooLarge(world, id) || isOfLargeGroup(world, id),
  );

/** Whether an instance is larger than any host that may take it, were it empty. */
const isTooLarge = (world: World, instance: number): boolean =>
  !allowed(world, instance).some((to) =>
    instanceAt(world, instance).needs.every((need, r) => {
      const listed = sum([...at(world.guests, to)], (id) => at(instanceAt(world, id).needs, r));
      return need === 0 || need <= freeOn(world, to, r) + listed;
    }),
  );

/** Whether a group has more members than all hosts but one can hold. */
const isOfLargeGroup = (world: World, instance: number): boolean => {
  const from = at(world.place, instance);
  return instanceAt(world, instance).groups.some((index) => {
    const group = at(world.cluster.groups, index);
    const members = world.cluster.instances.filter(({ groups }) => groups.includes(index)).length;
    const hosts = world.cluster.hosts.filter((_, other) => other !== from).length;
    return members > mostOnOneHost(group) * hosts;
  });
};
