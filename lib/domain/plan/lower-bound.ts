import { amount } from "./board.ts";
import { type Cluster, type ClusterHost, isToDo, type Rules } from "./cluster.ts";

/** Times in seconds that no plan can beat. */
export type LowerBound = {
  /** ceil(N / k) works one after the other, k hosts being empty at once at most. */
  readonly simple: number;
  /** The same, with the room counted that hosts lack while they are emptied and filled, and with `max_parallel_hosts`. */
  readonly improved: number;
  /** How often the free room has to be used, at least. */
  readonly rounds: number;
  /** Share of the hosts that may be empty at once. */
  readonly empty: number;
};

/**
 * How long the maintenance of a cluster takes at least, by the room there is.
 *
 * While instances move, room is counted half here and half there, so the free room F of the cluster
 * is the same at all times. A host lacks all its room C during its work, and before and after it as
 * much as its slots can have moved by then: at most `slots` moves at once, each no faster than the
 * fastest instance. Such trapezoids, sampled at distances of W + R, add up to one, so with
 * M = ceil(N C / F): T >= M W + (M - 2) R + d_min, with R = C / (slots x fastest rate).
 *
 * Sound for hosts of one pool; where instances stay in their zone it is the largest of the zones'.
 */
export const lowerBoundOf = (cluster: Cluster, rules: Rules): LowerBound => {
  const pools = Map.groupBy(cluster.hosts.entries(), ([, { zone, cell }]) =>
    JSON.stringify([cell, rules.same_zone ? zone : null]),
  );
  const bounds = [...pools.values()].flatMap((entries) =>
    cluster.resources.map((_, r) => boundOf(cluster, rules, new Map(entries), r)),
  );
  return {
    simple: Math.max(0, ...bounds.map(({ simple }) => simple)),
    improved: Math.max(inTurns(cluster, rules), ...bounds.map(({ improved }) => improved)),
    rounds: Math.max(0, ...bounds.map(({ rounds }) => rounds)),
    empty: Math.min(1, ...bounds.map(({ empty }) => empty)),
  };
};

/** The shortest works, so many hosts at a time as may be open at once. */
const inTurns = ({ hosts }: Cluster, { max_parallel_hosts: most }: Rules): number => {
  const jobs = hosts.filter(isToDo);
  if (most === null || jobs.length === 0) return 0;
  return Math.ceil(jobs.length / most) * Math.min(...jobs.map(({ work_seconds }) => work_seconds));
};

const NOTHING: LowerBound = { simple: 0, improved: 0, rounds: 0, empty: 1 };

const boundOf = (
  { instances }: Cluster,
  rules: Rules,
  hosts: ReadonlyMap<number, ClusterHost>,
  r: number,
): LowerBound => {
  const jobs = [...hosts].filter(([, host]) => isToDo(host));
  const here = instances.filter(({ host }) => hosts.has(host));
  const capacities = jobs.map(([, { capacity }]) => amount(capacity, r));
  const free = [...hosts.values()]
    .filter(({ takes }) => takes)
    .reduce((sum, { capacity, used }) => sum + amount(capacity, r) - amount(used, r), 0);
  const largest = Math.max(0, ...capacities);
  if (jobs.length === 0 || largest === 0) return NOTHING;
  const smallest = Math.min(...capacities);
  const work = Math.min(...jobs.map(([, { work_seconds }]) => work_seconds));
  const drains = drainsOf(here);
  const first = Math.min(...jobs.map(([number]) => (drains.get(number) ?? 0) / rules.slots));
  const atOnce = mostAtOnce(capacities, free);
  if (atOnce === 0) return { simple: Infinity, improved: Infinity, rounds: Infinity, empty: 0 };
  const rate = here.reduce(
    (most, { needs, move_seconds }) => Math.max(most, amount(needs, r) / move_seconds),
    0,
  );
  const ramp = rate === 0 ? 0 : smallest / (rules.slots * rate);
  const total = capacities.reduce((sum, capacity) => sum + capacity, 0);
  const rounds = Math.ceil(total / free - ROUNDING);
  const simple = Math.ceil(jobs.length / atOnce) * work + first;
  return {
    simple,
    improved: Math.max(simple, rounds < 2 ? 0 : rounds * work + (rounds - 2) * ramp + first),
    rounds,
    empty: free / total,
  };
};

const ROUNDING = 1e-9;

const drainsOf = (instances: Cluster["instances"]): Map<number, number> => {
  const drains = new Map<number, number>();
  for (const { host, fate, move_seconds } of instances)
    if (fate === "moves") drains.set(host, (drains.get(host) ?? 0) + move_seconds);
  return drains;
};

/** Hosts that may be empty at once: the smallest of them have no more room than is free in all. */
const mostAtOnce = (capacities: readonly number[], free: number): number => {
  let left = free;
  return capacities
    .toSorted((a, b) => a - b)
    .filter((capacity) => {
      left -= capacity;
      return left >= -ROUNDING;
    }).length;
};
