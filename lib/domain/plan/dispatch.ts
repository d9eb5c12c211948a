import { type HostRun, isActive } from "../host-run.ts";
import type { Session } from "../session.ts";

/**
 * Which waiting hosts to start now. The rule of this planner: as many at once as
 * `max_parallel_hosts` allows, by name, so that the answer does not depend on the order of `runs`.
 *
 * A host that failed counts as finished: were its place kept, one host that waits for a human
 * would stop the whole session.
 */
export const hostsToStart = (session: Session, runs: readonly HostRun[]): HostRun[] => {
  if (session.control !== "running") return [];
  const free = session.max_parallel_hosts - runs.filter(isActive).length;
  return runs
    .filter((run) => run.phase === "WAITING")
    .toSorted((a, b) => (a.host < b.host ? -1 : 1))
    .slice(0, Math.max(0, free));
};
