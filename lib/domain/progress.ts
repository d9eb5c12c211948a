import { type HostRun, isActive } from "./host-run.ts";
import type { Session, SessionState } from "./session.ts";

/** Share of the session's hosts that are finished, as a whole number from 0 to 100. */
export const percentDone = (session: Session, runs: readonly HostRun[]): number => {
  const finished = runs.filter((run) => run.phase === "FINISHED").length;
  return session.hosts.length === 0 ? 100 : Math.floor((100 * finished) / session.hosts.length);
};

/**
 * The Fenix state that the hosts of a session amount to. It is derived, never chosen: whoever
 * wants to know why reads the hosts.
 */
export const deriveState = (session: Session, runs: readonly HostRun[]): SessionState => {
  if (session.closed_at !== null) return closedState(session, runs);
  if (session.claimed_at === null) return "MAINTENANCE";
  const open = runs.filter((run) => run.phase !== "FINISHED");
  if (open.length === 0) return "MAINTENANCE_COMPLETE";
  const moving = open.some((run) => isActive(run) && run.instances_left > 0);
  return moving || open.length < runs.length ? "PLANNED_MAINTENANCE" : "START_MAINTENANCE";
};

/** DONE only if every host was maintained: a session that stopped short has failed, and says where. */
const closedState = (session: Session, runs: readonly HostRun[]): SessionState =>
  session.hosts.length === runs.length && runs.every((run) => run.outcome === "maintained")
    ? "MAINTENANCE_DONE"
    : "MAINTENANCE_FAILED";
