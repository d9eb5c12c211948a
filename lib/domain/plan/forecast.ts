import { later } from "../instant.ts";
import type { Findings, Outcome, Warning } from "../planning.ts";
import type { Session } from "../session.ts";
import type { Cluster, Rules } from "./cluster.ts";
import { type CurvePoint, curveOf } from "./curve.ts";
import type { Durations } from "./durations.ts";
import { lowerBoundOf } from "./lower-bound.ts";
import { type MadePlan, makePlan } from "./make-plan.ts";
import { OBJECTIVES, type Objective } from "./objective.ts";
import { type Operation, operationsOf } from "./operations.ts";
import { play } from "./play.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Blocked } from "./timeline.ts";

/** What is kept of one objective, besides its outcome. */
export type Course = {
  readonly operations: readonly Operation[];
  readonly curve: readonly CurvePoint[];
};

export type Made = {
  readonly findings: Findings;
  readonly courses: Readonly<Record<Objective, Course>>;
};

type Circumstances = {
  readonly session: Session;
  readonly durations: Durations;
  readonly startsAt: string;
};

/** The best plan found for each objective. */
export const bestPlans = ({ cluster, rules }: Snapshot): Readonly<Record<Objective, MadePlan>> => {
  const found = OBJECTIVES.map((objective) => makePlan(cluster, rules, objective));
  return {
    fastest: bestBy(found, ({ makespan_seconds }) => makespan_seconds),
    fewest_moves: bestBy(found, ({ migrations }) => migrations),
  };
};

/** Plans for both objectives, so that people choose by numbers. */
export const planBoth = (snapshot: Snapshot, circumstances: Circumstances): Made => {
  const { cluster } = snapshot;
  const { session, durations, startsAt } = circumstances;
  const made = bestPlans(snapshot);
  const courseOf = ({ timeline }: MadePlan): Course => ({
    operations: operationsOf(timeline, { ...cluster, names: snapshot.names }),
    curve: curveOf(cluster, timeline),
  });
  const courses = { fastest: courseOf(made.fastest), fewest_moves: courseOf(made.fewest_moves) };
  const outcome = (objective: Objective) =>
    outcomeOf(made[objective], courses[objective], snapshot, circumstances);
  return {
    findings: {
      starts_at: startsAt,
      outcomes: { fastest: outcome("fastest"), fewest_moves: outcome("fewest_moves") },
      lower_bound_seconds: boundUnder(made.fastest, snapshot),
      durations,
      warnings: warningsOn(snapshot, session, durations),
    },
    courses,
  };
};

/**
 * The bound holds where every host has to be emptied, and takes instances itself. A plan that leaves
 * hosts out, or is sooner done because theirs stay where they are, is not measured by it.
 */
const boundUnder = (plan: MadePlan, { cluster, rules }: Snapshot): number | null => {
  const { improved } = lowerBoundOf(cluster, rules);
  return plan.blocked.length === 0 && improved <= plan.makespan_seconds
    ? Math.round(improved)
    : null;
};

/**
 * Each search is only a search: what one of them finds may serve the other objective better. A plan
 * that maintains more hosts is better whatever it costs.
 */
const bestBy = (plans: readonly MadePlan[], costOf: (plan: MadePlan) => number): MadePlan => {
  const [best] = plans.toSorted(
    (a, b) => a.blocked.length - b.blocked.length || costOf(a) - costOf(b),
  );
  if (best === undefined) throw new RangeError("there is no objective to plan for");
  return best;
};

/**
 * So many blocked hosts are told with the plan, and so many bytes of them: both objectives and the
 * session have to fit into one row of 400 KB.
 */
const BLOCKED_TOLD = 100;
const BYTES_TOLD = 50_000;

const outcomeOf = (
  plan: MadePlan,
  { operations }: Course,
  snapshot: Snapshot,
  { startsAt, durations }: Circumstances,
): Outcome => {
  const { cluster, unknown, unfit } = snapshot;
  const { low, high } = boundsOf(plan, snapshot, durations);
  const seconds = Math.round(plan.makespan_seconds);
  return {
    makespan_seconds: seconds,
    makespan_low_seconds: low,
    makespan_high_seconds: high,
    ends_at: later(startsAt, seconds),
    ends_at_low: later(startsAt, low),
    ends_at_high: later(startsAt, high),
    moves: plan.migrations,
    operations: operations.length,
    hosts_maintained: operations.filter(({ what }) => what === "work").length,
    hosts_blocked: plan.blocked.length + unknown.length + unfit.length,
    blocked: firstOf([
      ...unknown.map((host) => ({
        host,
        instance_id: null,
        instance_name: null,
        rule: "unknown",
        why: "Placement has no such host; read the hosts anew",
        missing: null,
      })),
      ...unfit.map(({ host, rule, what_to_do }) => ({
        host,
        instance_id: null,
        instance_name: null,
        rule,
        why: what_to_do,
        missing: null,
      })),
      ...plan.blocked.map((one) => blockedView(one, snapshot, cluster)),
    ]),
  };
};

/** As many of the first as a plan has room for; `hosts_blocked` counts the others. */
const firstOf = (blocked: Outcome["blocked"]): Outcome["blocked"] => {
  let bytes = 0;
  return blocked.slice(0, BLOCKED_TOLD).filter((one) => {
    bytes += new TextEncoder().encode(JSON.stringify(one)).length;
    return bytes <= BYTES_TOLD;
  });
};

const blockedView = (
  { host, instance, rule, missing }: Blocked,
  { names, obstacles }: Snapshot,
  { hosts, instances, resources }: Cluster,
): Outcome["blocked"][number] => {
  const obstacle = instance === null ? undefined : obstacles.get(instance);
  return {
    host: hosts[host]?.name ?? "",
    instance_id: instance === null ? null : (instances[instance]?.id ?? null),
    instance_name: instance === null ? null : (names[instance] ?? null),
    rule,
    why: obstacle === undefined ? null : `${obstacle.rule}: ${obstacle.what_to_do}`,
    missing:
      missing === null
        ? null
        : Object.fromEntries(resources.map((name, r) => [name, missing[r] ?? 0])),
  };
};

/**
 * How long the same course takes where every move and all work is as quick, or as slow, as the
 * quartiles of what was seen say. The hosts that are maintained stay the same.
 */
const boundsOf = (
  { course, blocked, makespan_seconds }: MadePlan,
  { cluster, rules }: Snapshot,
  { moves, work }: Durations,
): { low: number; high: number } => {
  const left = new Set(blocked.map(({ host }) => host));
  const openEnd: Rules = { ...rules, ends_in_seconds: null };
  const secondsAt = (side: "low" | "high") =>
    play(
      {
        ...cluster,
        hosts: cluster.hosts.map((host, number) => ({
          ...host,
          ...(left.has(number) && {
            job: "none" as const,
            takes: host.takes && host.job !== "cordoned",
          }),
          work_seconds: host.work_seconds * work[side],
        })),
        instances: cluster.instances.map((instance) => ({
          ...instance,
          move_seconds: instance.move_seconds * moves[side],
        })),
      },
      openEnd,
      course,
    ).makespan_seconds;
  return {
    // Shorter moves may make for a longer plan; nobody would believe that bound.
    low: Math.round(Math.min(makespan_seconds, secondsAt("low"))),
    high: Math.round(Math.max(makespan_seconds, secondsAt("high"))),
  };
};

/** What people should know who go by the plan. */
const warningsOn = (
  { obstacles, unknown, unfit }: Snapshot,
  session: Session,
  { moves, work }: Durations,
): Warning[] => {
  const warnings: Warning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code, message });
  if (session.claimed_at === null && obstacles.size + unknown.length + unfit.length > 0)
    warn(
      "preflight_stops",
      "a session with these hosts ends at its pre-flight: leave out the hosts that are blocked as pinned, as unknown, or for what they are themselves, or settle what keeps them",
    );
  if (moves.basis === "guess")
    warn(
      "moves_guessed",
      `too few moves were seen: ${moves.fix_seconds} s and ${moves.mb_per_second} MB/s are a guess`,
    );
  if (work.basis === "guess")
    warn(
      "work_guessed",
      `too few hosts with the same actions were seen: ${work.seconds} s of work are what the request says, or a guess`,
    );
  if (session.canary && session.max_parallel_hosts > 1)
    warn(
      "canary_not_planned",
      `hosts of one model go one at a time until one of them has borne an instance for ${session.soak_minutes} minutes; the plan does not know that`,
    );
  if (session.next_windows.length > 0)
    warn(
      "windows_not_planned",
      "the plan knows one window, until the last one ends, without a gap",
    );
  return warnings;
};
