import { entering, leavingForHuman } from "../../lib/domain/host-run.ts";
import { secondsInPhase } from "../../lib/domain/standstill.ts";
import { countBeat, hasBeatenEnough, losses } from "../../lib/domain/verify.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import { readWorth } from "../../lib/fleet/worth.ts";
import { type HostContext, hostStep } from "../../lib/steps/host-step.ts";

/**
 * State VerifyHost: the host is back only when its heartbeat has advanced three times since the
 * work ended and it offers no less than before. A host that does not come back whole in time
 * stays out of service.
 */
export const handler = hostStep("VERIFYING", async (context) => {
  const { now, run, settings } = context;
  const { beats, lost } = await look(context).catch((error: unknown) => {
    if (!isOver(context) || !(error instanceof Error)) throw error;
    return { beats: run.beats, lost: [error.message] };
  });
  if (hasBeatenEnough(beats) && lost.length === 0)
    return { run: { ...entering(run, "RESTORING", now), beats } };
  const details = [`heartbeats seen since the work ended: ${beats.count}`, ...lost].join("; ");
  if (isOver(context))
    return { run: leavingForHuman({ ...run, beats }, now, `verify_failed: ${details}`) };
  const trouble = lost.length > 0 ? details : null;
  return {
    run: { ...run, beats, details, trouble },
    wait: "poll",
    seconds: settings.LULL_POLL_SECONDS,
  };
});

const isOver = ({ run, now, settings }: HostContext): boolean =>
  secondsInPhase(run, now) >= settings.LULL_VERIFY_MINUTES * 60;

/** Heartbeats since the work, and what the host lacks that it had before. */
const look = async ({ cloud, run }: HostContext) => {
  const service = await computeServiceOf(await cloud(), run.host);
  const beats = countBeat(run.beats, service?.updated_at ?? null);
  const lost =
    hasBeatenEnough(beats) && run.worth !== null
      ? losses(run.worth, await readWorth(await cloud(), run.host))
      : [];
  return { beats, lost };
};
