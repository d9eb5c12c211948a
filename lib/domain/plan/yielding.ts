import type { HostRun } from "../host-run.ts";
import { secondsInPhase } from "../standstill.ts";
import { takesPlace } from "./places.ts";

/** How long two hosts that are emptied at once may stand in each other's way. */
const PATIENCE_SECONDS = 900;

const isBeingEmptied = ({ phase }: HostRun): boolean => phase === "MOVING";

/**
 * Whether a host that finds no target for any of its instances is to let another host of its
 * session go first: both are out of scheduling, so each may lack the other as a target, for the
 * sake of a group that has to stay apart. The one that was started later gives way.
 *
 * @param runs all hosts of its session
 */
export const givesWay = (run: HostRun, runs: readonly HostRun[], now: string): boolean =>
  secondsInPhase(run, now) >= PATIENCE_SECONDS &&
  runs.some((other) => other.host !== run.host && isBeingEmptied(other) && isBefore(other, run));

const isBefore = (a: HostRun, b: HostRun): boolean => {
  const [first, second] = [a.started_at ?? "", b.started_at ?? ""];
  return first < second || (first === second && a.host < b.host);
};

/** Whether a host that gave way has to wait on: nobody has ended since, and somebody is still at it. */
export const waitsForOthers = ({ yielded_at: since }: HostRun, runs: readonly HostRun[]): boolean =>
  since !== null &&
  runs.some(takesPlace) &&
  !runs.some(({ finished_at }) => finished_at !== null && finished_at > since);
