import type { HostRun } from "./host-run.ts";
import type { Hold, Session } from "./session.ts";

/** So many failed hosts stop a session. */
const MOST_FAILED = 2;

/**
 * Why the session has to stop by itself, in words; null when it may go on. It stops when two hosts
 * have failed, or a host alarms it: moves that break off one after the other, an instance harmed.
 * What happened before it was last resumed has been looked at, and does not count again.
 */
export const breakerOf = (
  { resumed_at }: Pick<Session, "resumed_at">,
  runs: readonly HostRun[],
): string | null => {
  const isNew = (at: string | null): boolean => at !== null && at > (resumed_at ?? "");
  const alarms = runs
    .flatMap(({ host, alarm }) => (alarm !== null && isNew(alarm.at) ? [{ host, ...alarm }] : []))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  if (alarms[0] !== undefined) return `${alarms[0].host}: ${alarms[0].why}`;
  const failed = runs
    .filter(({ outcome, finished_at }) => outcome === "failed" && isNew(finished_at))
    .map(({ host }) => host)
    .toSorted();
  return failed.length < MOST_FAILED
    ? null
    : `${failed.length} hosts have failed: ${failed.join(", ")}`;
};

/** The hold by which a session stops itself. */
export const breakerHold = (reason: string, now: string): Hold => ({
  code: "breaker",
  by: "lull",
  at: now,
  reason,
});

/** Whether the session is to stop itself now: while it goes on, and something is left to be stopped. */
export const isTripped = (session: Session, runs: readonly HostRun[]): string | null =>
  session.control === "aborting" ||
  session.holds.some(({ code }) => code === "breaker") ||
  runs.every(({ phase }) => phase === "FINISHED")
    ? null
    : breakerOf(session, runs);
