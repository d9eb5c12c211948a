import { ConflictError } from "./errors.ts";
import { type ActionRun, entering, type HostRun } from "./host-run.ts";
import { deriveState } from "./progress.ts";
import type { Session } from "./session.ts";

/** A host that has a run of its own again. */
export type Started = HostRun & { readonly run_id: string };

type Again = { readonly runId: string; readonly now: string };

/**
 * A finished host started over: what it was worth before the first touch, and actions that are
 * done, count on. A host that was given back is looked at afresh.
 *
 * @throws ConflictError when it did not end without its work done
 */
export const retried = (run: HostRun, session: Session, { runId, now }: Again): Started => {
  if (session.control === "aborting")
    throw new ConflictError(
      `maintenance session ${session.session_id} was aborted; maintain ${run.host} in a new one`,
    );
  if (run.outcome !== "failed" && run.outcome !== "restored")
    throw new ConflictError(`${run.host} is ${run.outcome}; there is nothing to retry`);
  const afresh = { prior: null, worth: null };
  // What was not put back is still ours to put back: looked at again, it would seem to have been so before.
  const clean = run.left_behind === null ? { monitors: [], staying: [], stopped: [] } : {};
  const fresh = run.outcome === "restored" ? { ...afresh, ...clean } : {};
  return {
    ...again(run, "DISABLING", { runId, now }),
    ...fresh,
    outcome: null,
    worked: run.worked || (run.outcome === "failed" && run.work_started_at !== null),
    actions: run.actions.map(pendingUnlessDone),
    started_at: now,
    work_started_at: null,
    work_ended_at: null,
    left_behind: null,
  };
};

const pendingUnlessDone = (action: ActionRun): ActionRun =>
  action.state === "DONE"
    ? action
    : { ...action, state: "PENDING", hook_id: null, started_at: null, details: null };

/**
 * A host that failed, and of which a human says that it is well: it is verified and put back.
 *
 * @throws ConflictError when it has not failed
 */
export const released = (run: HostRun, { runId, now }: Again): Started => {
  if (run.outcome !== "failed")
    throw new ConflictError(`${run.host} is ${run.outcome}; there is nothing to release`);
  return {
    ...again(run, "VERIFYING", { runId, now }),
    outcome: "released",
    work_ended_at: now,
  };
};

const again = (run: HostRun, phase: "DISABLING" | "VERIFYING", { runId, now }: Again): Started => ({
  ...entering(run, phase, now),
  run_id: runId,
  beats: { updated_at: null, count: 0 },
  moves_failed: 0,
  alarm: null,
  cordon: false,
  waits_again: false,
  standstill: null,
  stood_still: 0,
  drain_from: null,
  stood_still_before: 0,
  finished_at: null,
});

/**
 * The session with a host of it at work again: open, whatever it was, for as long as that takes. Who
 * was told that it is over is told so anew when it is.
 */
export const reopened = (
  session: Session,
  hosts: readonly HostRun[],
  now: string,
  fields: Partial<Session> = {},
): Session => {
  const draft = {
    ...session,
    ...fields,
    closed_at: null,
    completed_at: null,
    asking: session.asking?.state === "MAINTENANCE_COMPLETE" ? null : session.asking,
    reopened: session.reopened + 1,
  };
  const state = deriveState(draft, hosts);
  return {
    ...draft,
    state,
    prev_state: state === session.state ? session.prev_state : session.state,
    updated_at: now,
    sequence: session.sequence + 1,
  };
};
