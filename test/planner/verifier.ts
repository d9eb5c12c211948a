import type { Cluster, Rules } from "../../lib/domain/plan/cluster.ts";
import type { Plan } from "../../lib/domain/plan/timeline.ts";
import { refusalsOf } from "./refusals.ts";
import { blame, type Replay, replay, type Violation } from "./replay.ts";
import { isNear } from "./rule.ts";
import { at, destination } from "./world.ts";

/**
 * Judges a plan: replays its timeline and checks every rule at each instant, events in the order
 * given. Knows nothing of how the plan was made. @returns what is broken, in the order of the
 * timeline; empty for a plan that may be carried out
 */
export const verify = (cluster: Cluster, rules: Rules, plan: Plan): Violation[] => {
  const played = replay(cluster, rules, plan);
  checkFigures(played, plan);
  checkHosts(played, plan);
  checkBonds(played);
  return played.violations;
};

/**
 * Judges the refusals of a plan: what each blocked host is said to be kept by has to be true where
 * the timeline ended. Hosts that were opened and not maintained are no targets there.
 */
export const confirms = (cluster: Cluster, rules: Rules, plan: Plan): Violation[] => {
  const { world } = replay(cluster, rules, plan);
  return plan.blocked.flatMap((blocked) =>
    refusalsOf(world, blocked).map((says) => ({
      rule: "refusal" as const,
      t: world.t,
      says: `${says}: ${JSON.stringify(blocked)}`,
    })),
  );
};

/** Moves from hosts that are not open, which a plan makes to have room elsewhere. */
export const movesToMakeRoom = (cluster: Cluster, rules: Rules, plan: Plan): number =>
  replay(cluster, rules, plan).making_room;

const checkFigures = (played: Replay, plan: Plan): void => {
  const done = plan.timeline.filter(({ event }) => event === "work_end").map(({ t }) => t);
  const last = done.reduce((a, b) => Math.max(a, b), 0);
  if (!isNear(plan.makespan_seconds, last))
    blame(played, "makespan_seconds", `${plan.makespan_seconds}, the last host is done at ${last}`);
  const moves = plan.timeline.filter(({ event }) => event === "migrate_start").length;
  if (plan.migrations !== moves)
    blame(played, "migrations", `${plan.migrations}, the timeline has ${moves}`);
};

/** Each host of the session is maintained or refused, once and never both. */
const checkHosts = (played: Replay, { blocked }: Plan): void => {
  const { world } = played;
  for (const [host, { job }] of world.cluster.hosts.entries()) {
    const isDone = at(world.stage, host) === "done" && job !== "done";
    const refusals = blocked.filter((refusal) => refusal.host === host).length;
    const isWanted = ["waiting", "cordoned", "emptying"].includes(job);
    if (isWanted ? Number(isDone) + refusals !== 1 : refusals > 0)
      blame(played, "each_host_once", `host ${host}: done ${isDone}, refused ${refusals} times`);
  }
};

/** Members of an affinity group that were together are so again, unless one was left behind. */
const checkBonds = (played: Replay): void => {
  const { world } = played;
  for (const bond of new Set(world.bonds.flat())) {
    const places = bond.map((id) => destination(world, id));
    const isLeft = bond.some((id, n) => at(world.cluster.instances, id).host === places[n]);
    if (!isLeft && new Set(places).size > 1)
      blame(played, "affinity", `${bond.join(", ")} end on ${places.join(", ")}`);
  }
};
