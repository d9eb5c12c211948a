import { type HostRun, isActive } from "./host-run.ts";
import { isBlocked, type Session, type SessionState } from "./session.ts";

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
  if (session.asking?.state === "SCALE_IN") return "SCALE_IN";
  const open = runs.filter((run) => run.phase !== "FINISHED");
  if (open.length === 0) return "MAINTENANCE_COMPLETE";
  const moving = open.some((run) => isActive(run) && run.instances_left > 0);
  return moving || open.length < runs.length ? "PLANNED_MAINTENANCE" : "START_MAINTENANCE";
};

/** Whether the host's work is done: it is back as it was, or gone for good as it should be. */
export const isMaintained = ({ outcome }: HostRun): boolean =>
  outcome === "maintained" || outcome === "retired";

const areAllMaintained = (session: Session, runs: readonly HostRun[]): boolean =>
  session.hosts.length === runs.length && runs.every(isMaintained);

/** How a session ended. */
export type Result = "done" | "partial" | "failed" | "blocked" | "aborted";

/** What a session came to: nothing while it is open, all hosts, some or none; or what stopped it. */
export const resultOf = (session: Session, runs: readonly HostRun[]): Result | null => {
  if (session.closed_at === null) return null;
  if (session.claimed_at !== null && areAllMaintained(session, runs)) return "done";
  if (session.control === "aborting") return "aborted";
  if (isBlocked(session)) return "blocked";
  return runs.some(isMaintained) ? "partial" : "failed";
};

/** DONE only if every host was maintained: a session that stopped short has failed, and says where. */
const closedState = (session: Session, runs: readonly HostRun[]): SessionState =>
  areAllMaintained(session, runs) ? "MAINTENANCE_DONE" : "MAINTENANCE_FAILED";
