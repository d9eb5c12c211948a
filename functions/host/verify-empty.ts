import { notStaying, whyNotEmpty } from "../../lib/domain/empty.ts";
import { entering, givingBack } from "../../lib/domain/host-run.ts";
import { readEvidence } from "../../lib/fleet/evidence.ts";
import { drainIsOver, giveUp } from "../../lib/steps/drain.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/**
 * State VerifyEmpty: goes on only when Nova and Placement agree that the host is empty. Guests
 * that turned up meanwhile send it back to moving; any other doubt is looked at again. A host that
 * somebody enables meanwhile is theirs again.
 */
export const handler = hostStep("VERIFYING_EMPTY", async (context) => {
  const { now, run, settings } = context;
  const evidence = await readEvidence(
    await context.cloud(),
    run.host,
    run.worth?.provider_id ?? "",
  );
  const why = whyNotEmpty(evidence, run.staying);
  if (why === null) return { run: { ...entering(run, "SILENCING", now), instances_left: 0 } };
  if (drainIsOver(run, settings, now)) return { run: giveUp(run, now, why) };
  if (evidence.serviceStatus === "enabled")
    return { run: givingBack(run, now, `somebody enabled nova-compute on ${run.host} meanwhile`) };
  if (notStaying(evidence.servers, run.staying).length > 0)
    return { run: { ...run, phase: "MOVING", trouble: why } };
  return { run: { ...run, trouble: why }, wait: "poll", seconds: settings.LULL_POLL_SECONDS };
});
