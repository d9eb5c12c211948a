import { type HostRun, isActive } from "../host-run.ts";
import type { Session } from "../session.ts";

/**
 * Which waiting hosts to start now. The rule of this planner: as many at once as
 * `max_parallel_hosts` allows, fewest instances first (an empty host is soon a target for the
 * others), then by name, so that the answer does not depend on the order of `runs`.
 *
 * A host that failed keeps its place free of others: nothing starts while one waits for a human
 * would stop the session for good, so a failed host counts as finished.
 */
export const hostsToStart = (session: Session, runs: readonly HostRun[]): HostRun[] => {
  if (session.control !== "running") return [];
  const free = session.max_parallel_hosts - runs.filter(isActive).length;
  return runs
    .filter((run) => run.phase === "WAITING")
    .toSorted((a, b) => a.instances_total - b.instances_total || (a.host < b.host ? -1 : 1))
    .slice(0, Math.max(0, free));
};
