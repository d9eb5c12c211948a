import type { Cluster, Rules } from "../../lib/domain/plan/cluster.ts";
import { at, mostOnOneHost } from "./world.ts";

/** More placements than this are not looked at: the cluster is too large to be searched. */
const MOST_PLACEMENTS = 3_000_000;

/** The cluster is larger, or has more to heed, than an exhaustive search can answer for. */
export class NotExhaustible extends Error {
  override readonly name = "NotExhaustible";
}

type Answer = {
  /** Whether every host that waits for its maintenance can be emptied. */
  readonly completable: boolean;
  /** The hosts that can be emptied. */
  readonly emptiable: readonly number[];
};

/**
 * Which hosts any order of moves can empty, by looking at every placement that moves lead to.
 * Knows capacity, groups that keep members apart, zones, cells, and instances that do not move; not
 * the rules of time, nor reserve and window. One move at a time is enough: more at once only need
 * more room.
 *
 * Each move can be taken back, so that what can be reached once can always be reached, and nobody
 * has to remember which hosts are done.
 *
 * @throws NotExhaustible for moves that cannot be taken back (versions, refusals, hosts that take
 * nothing), affinity, moves in flight, and for more than 6 hosts or 12 instances
 */
export const exhaustive = (cluster: Cluster, rules: Rules): Answer => {
  assertReversible(cluster);
  const puzzle = puzzleOf(cluster, rules);
  const wanted = [...cluster.hosts.keys()].filter((host) =>
    ["waiting", "emptying"].includes(at(cluster.hosts, host).job),
  );
  const emptied = new Set<number>();
  for (const host of wanted)
    if (!emptied.has(host) && isPlaceable(host, puzzle) && searchTowards(host, puzzle, emptied))
      break;
  const emptiable = wanted.filter((host) => emptied.has(host));
  return { completable: emptiable.length === wanted.length, emptiable };
};

const assertReversible = ({ hosts, instances, groups, moves }: Cluster): void => {
  const against = {
    "more than 6 hosts": hosts.length > 6,
    "more than 12 instances": instances.length > 12,
    "hosts that take nothing": hosts.some(({ takes }) => !takes),
    "hosts that take nothing yet": hosts.some(({ job }) => job === "cordoned"),
    "hosts at work": hosts.some(({ job }) => job === "working"),
    versions: new Set(hosts.map(({ version }) => version)).size > 1,
    refusals: instances.some(({ refused }) => refused.length > 0),
    affinity: groups.some(({ policy }) => policy === "affinity"),
    "moves in flight": moves.length > 0,
  };
  const reasons = Object.entries(against).filter(([, is]) => is);
  if (reasons.length > 0) throw new NotExhaustible(reasons.map(([reason]) => reason).join(", "));
};

/** The host of each instance. */
type Placement = readonly number[];

type Puzzle = {
  readonly start: Placement;
  readonly needs: readonly (readonly number[])[];
  /** What each host offers to the instances listed. */
  readonly room: readonly (readonly number[])[];
  /** Per instance: hosts it may ever be on; only its own, when it does not move. */
  readonly allowed: readonly (readonly number[])[];
  readonly groups: readonly { readonly members: readonly number[]; readonly most: number }[];
  /** Per instance: the groups it is in. */
  readonly groupsOf: readonly (readonly number[])[];
  /** Instances that keep a host from being empty. */
  readonly leavers: readonly number[];
  /** Instances that could be exchanged without anybody noticing, together. */
  readonly alike: readonly (readonly number[])[];
};

const puzzleOf = ({ hosts, instances, groups }: Cluster, { same_zone }: Rules): Puzzle => {
  const ids = [...instances.keys()];
  const allowed = instances.map(({ host: from, fate }) =>
    [...hosts.keys()].filter((to) => {
      const [source, target] = [at(hosts, from), at(hosts, to)];
      const isNear =
        (!same_zone || source.zone === target.zone) &&
        (source.cell === null || target.cell === null || source.cell === target.cell);
      return to === from || (fate === "moves" && isNear);
    }),
  );
  const signature = (id: number) => {
    const { needs, groups: of, fate } = at(instances, id);
    return JSON.stringify([needs, of, fate, at(allowed, id)]);
  };
  return {
    start: instances.map(({ host }) => host),
    needs: instances.map(({ needs }) => needs),
    room: hosts.map(({ capacity, used }, host) =>
      capacity.map((total, r) => {
        const listed = instances
          .filter((one) => one.host === host)
          .map(({ needs }) => at(needs, r));
        return total - at(used, r) + listed.reduce((sum, need) => sum + need, 0);
      }),
    ),
    allowed,
    groups: groups.map((group, index) => ({
      members: ids.filter((id) => at(instances, id).groups.includes(index)),
      most: mostOnOneHost(group),
    })),
    groupsOf: instances.map(({ groups: of }) => of),
    leavers: ids.filter((id) => at(instances, id).fate !== "stays"),
    alike: [...Map.groupBy(ids, signature).values()],
  };
};

/**
 * Goes through placements, those first that leave least on the host, until it is empty; notes every
 * host seen empty. @returns whether there is no placement left that moves lead to
 */
const searchTowards = (host: number, puzzle: Puzzle, emptied: Set<number>): boolean => {
  const seen = new Set<number>();
  const queues: Placement[][] = Array.from({ length: puzzle.start.length + 1 }, () => []);
  const meet = (placement: Placement) => {
    const key = keyOf(puzzle, placement);
    if (seen.has(key)) return;
    if (seen.size >= MOST_PLACEMENTS) throw new NotExhaustible("too many placements");
    seen.add(key);
    at(queues, leftOn(puzzle, placement, host)).push(placement);
  };
  meet(puzzle.start);
  while (!emptied.has(host)) {
    const placement = queues.find(({ length }) => length > 0)?.pop();
    if (placement === undefined) return true;
    for (const other of puzzle.room.keys())
      if (leftOn(puzzle, placement, other) === 0) emptied.add(other);
    for (const next of movesFrom(puzzle, placement)) meet(next);
  }
  return false;
};

/** Whether there is any placement that leaves a host empty, reachable or not. */
const isPlaceable = (host: number, puzzle: Puzzle): boolean => {
  const ids = [...puzzle.start.keys()].sort(
    (a, b) => at(at(puzzle.needs, b), 0) - at(at(puzzle.needs, a), 0),
  );
  const placement = puzzle.start.map(() => -1);
  const free = puzzle.room.map((amounts) => [...amounts]);
  const placeFrom = (n: number): boolean => {
    const id = ids[n];
    if (id === undefined) return true;
    const mayStand = at(puzzle.allowed, id).filter(
      (to) => to !== host || !puzzle.leavers.includes(id),
    );
    return mayStand.some((to) => {
      if (!isOpenTo(puzzle, placement, { id, to, free: at(free, to) })) return false;
      placement[id] = to;
      take(at(free, to), at(puzzle.needs, id), 1);
      const isDone = placeFrom(n + 1);
      take(at(free, to), at(puzzle.needs, id), -1);
      placement[id] = -1;
      return isDone;
    });
  };
  return placeFrom(0);
};

const leftOn = ({ leavers }: Puzzle, placement: Placement, host: number): number =>
  leavers.filter((id) => placement[id] === host).length;

/** One number per placement, the same for those that differ in instances that are alike. */
const keyOf = ({ alike, room }: Puzzle, placement: Placement): number => {
  let key = 0;
  for (const ids of alike) {
    const on = ids.map((id) => at(placement, id));
    for (const host of on.sort((a, b) => a - b)) key = key * room.length + host;
  }
  return key;
};

/** Each placement that is one move away. */
const movesFrom = (puzzle: Puzzle, placement: Placement): Placement[] => {
  const free = puzzle.room.map((amounts) => [...amounts]);
  for (const [id, host] of placement.entries()) take(at(free, host), at(puzzle.needs, id), 1);
  return placement.flatMap((from, id) =>
    at(puzzle.allowed, id)
      .filter((to) => to !== from && isOpenTo(puzzle, placement, { id, to, free: at(free, to) }))
      .map((to) => placement.with(id, to)),
  );
};

const take = (amounts: number[], needs: readonly number[], times: 1 | -1): void => {
  for (const [r, need] of needs.entries()) amounts[r] = at(amounts, r) - times * need;
};

const isOpenTo = (
  { needs, groups, groupsOf }: Puzzle,
  placement: Placement,
  { id, to, free }: { readonly id: number; readonly to: number; readonly free: readonly number[] },
): boolean =>
  at(needs, id).every((need, r) => need === 0 || need <= at(free, r)) &&
  at(groupsOf, id).every((index) => {
    const { members, most } = at(groups, index);
    return members.filter((member) => placement[member] === to).length < most;
  });
