import { at, hostAt, type World } from "./world.ts";

export type BrokenRule =
  | "order"
  | "unknown"
  | "source"
  | "target"
  | "one_move"
  | "duration"
  | "start_and_end"
  | "lead_seconds"
  | "capacity"
  | "slots"
  | "anti-affinity"
  | "affinity"
  | "max_instances_per_host"
  | "same_zone"
  | "cell"
  | "version"
  | "refused"
  | "max_impacted_members"
  | "recovery_seconds"
  | "pinned"
  | "stays"
  | "host_open"
  | "host_close"
  | "work_start"
  | "not_empty"
  | "work_seconds"
  | "max_parallel_hosts"
  | "max_parallel_per"
  | "reserve"
  | "ends_in_seconds"
  | "makespan_seconds"
  | "migrations"
  | "each_host_once"
  | "refusal";

/** A rule, and whether an act keeps it in the world as it is before the act. */
export type Rule<Act> = readonly [rule: BrokenRule, isKept: (world: World, act: Act) => boolean];
/** Sums of seconds in binary fractions. */
export const TOLERANCE = 1e-6;

export const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE;

export const sum = <T>(list: readonly T[], amount: (item: T) => number): number =>
  list.reduce((total, item) => total + amount(item), 0);

/** Whether a host takes instances at this instant. */
export const takesNow = (world: World, host: number): boolean =>
  hostAt(world, host).takes && ["closed", "done"].includes(at(world.stage, host));

/** Whether so many more members of a group may move or be down. */
export const mayImpact = ({ cluster, impacted }: World, group: number, more: number): boolean => {
  const { max_impacted_members } = at(cluster.groups, group);
  return max_impacted_members === 0 || at(impacted, group) + more <= max_impacted_members;
};

/** Whether no other member of a group was interrupted a short while ago. */
export const isRecovered = (
  { cluster, recoveries, t }: World,
  group: number,
  member: number,
): boolean =>
  at(recoveries, group).every(
    (other) =>
      other.member === member ||
      other.ended + at(cluster.groups, group).recovery_seconds <= t + TOLERANCE,
  );
