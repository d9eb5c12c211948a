import { whyNotEmpty } from "../../lib/domain/empty.ts";
import {
  disabledReason,
  entering,
  givingBack,
  type HostRun,
  isBeforeWork,
  isOurReason,
  leavingForHuman,
} from "../../lib/domain/host-run.ts";
import { secondsInPhase } from "../../lib/domain/standstill.ts";
import { readEvidence } from "../../lib/fleet/evidence.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import { disableService } from "../../lib/openstack/compute/services.ts";
import {
  type ActionTurn,
  hookIdOf,
  type Progress,
  startAction,
  watchAction,
} from "../../lib/steps/actions.ts";
import { makeEffect } from "../../lib/steps/effect.ts";
import { type HostContext, type HostFinding, hostStep } from "../../lib/steps/host-step.ts";
import { renewSilences } from "../../lib/steps/silence.ts";

/**
 * State RunAction: the host's work, one action after the other. It starts the next one, or looks
 * what became of the one that runs. A failed or overdue action leaves the host out of service, and
 * so does an abort once work has begun: nobody but a human knows what state it is in.
 */
export const handler = hostStep(
  "IN_MAINTENANCE",
  async (context) => {
    const { run, session } = context;
    const index = run.actions.findIndex(({ state }) => state !== "DONE");
    const action = run.actions[index];
    const turn = action && { context, index, action };
    const progress = !turn || turn.action.state === "PENDING" ? null : await watchAction(turn);
    if (turn && progress !== null) return toFinding(turn, progress);
    if (session.control === "aborting") return stopInWork(context);
    if (turn) return startNext(turn);
    const done = { ...context.run, work_ended_at: context.now };
    return {
      run: entering(atFirstBeat(done), session.retire ? "RETIRING" : "VERIFYING", context.now),
    };
  },
  { watches: true },
);

const atFirstBeat = (run: HostRun): HostRun => ({
  ...run,
  beats: { updated_at: null, count: 0 },
});

/** The session was aborted and nothing is being done to the host at this moment. */
const stopInWork = async (context: HostContext): Promise<HostFinding> => {
  const { run, now, session, settings } = context;
  if (isBeforeWork(run)) return { run: givingBack(run, now, "the session was aborted") };
  if (run.actions.findLast(({ state }) => state === "DONE")?.released)
    return {
      run: {
        ...entering(atFirstBeat(run), "VERIFYING", now),
        outcome: "released",
        work_ended_at: now,
      },
    };
  const cloud = await context.cloud();
  const service = await computeServiceOf(cloud, run.host);
  if (isOurReason(service?.disabled_reason, session.session_id) && service)
    await makeEffect(context, "mark_aborted", (requestId) =>
      disableService(
        cloud.compute,
        service.id,
        disabledReason(
          session.session_id,
          `aborted in work ${settings.LULL_PUBLIC_URL}/status/${run.host}`,
        ),
        { requestId },
      ),
    );
  const why =
    "aborted in work; when it may come back: " +
    `lull maintenance release ${session.session_id} ${run.host}`;
  return { run: leavingForHuman(run, now, why) };
};

/** Begins the next action, on a host that is empty at that very moment. */
const startNext = async ({ context, index, action }: ActionTurn): Promise<HostFinding> => {
  const { run, now, standstill } = context;
  if (standstill !== null) return { ...standstill, run };
  const why = await whyNotNow(context);
  if (why !== null && isOverdue(context))
    return { run: leavingForHuman(run, now, `not worked on: ${why}`) };
  if (why !== null)
    return {
      run: { ...run, trouble: why },
      wait: "poll",
      seconds: context.settings.LULL_POLL_SECONDS,
    };
  await renewSilences(context, run);
  // Stored before anything is asked for: an abort gives back only hosts of which nothing was asked.
  const begun = await context.save(withAction({ context, index, action }, "RUNNING", null));
  const next = {
    context: { ...context, run: begun },
    index,
    action: begun.actions[index] ?? action,
  };
  return toFinding(next, await startAction(next));
};

/** Whether all actions could have been done by now, had the host stayed empty. */
const isOverdue = ({ run, now, settings }: HostContext): boolean =>
  secondsInPhase(run, now) >= settings.LULL_ACTION_MINUTES * 60 * run.actions.length;

/** Nothing is begun on a host that is not empty at that very moment. */
const whyNotNow = async ({ cloud, run }: HostContext): Promise<string | null> =>
  whyNotEmpty(
    await readEvidence(await cloud(), run.host, run.worth?.provider_id ?? ""),
    run.staying,
  );

const withAction = (
  { context, index, action }: ActionTurn,
  state: "RUNNING" | "DONE" | "FAILED",
  details: string | null,
  released = false,
): HostRun => ({
  ...context.run,
  details,
  actions: context.run.actions.with(index, {
    ...action,
    state,
    hook_id: hookIdOf({ context, index, action }),
    started_at: action.started_at ?? context.now,
    details,
    released,
  }),
});

const toFinding = (
  turn: ActionTurn,
  { state, details, released, seconds }: Progress,
): HostFinding => {
  const { context, action } = turn;
  const run = withAction(turn, state === "REFUSED" ? "FAILED" : state, details, released);
  if (state === "DONE") return { run };
  if (state === "RUNNING") return { run, wait: "change", seconds };
  const why = `${action.plugin} failed: ${details ?? "no reason given"}`;
  const untouched = state === "REFUSED" && run.actions.every((other) => other.state !== "DONE");
  return {
    run: untouched ? givingBack(run, context.now, why) : leavingForHuman(run, context.now, why),
  };
};
