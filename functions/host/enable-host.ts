import { isOurReason } from "../../lib/domain/host-run.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import { enableService } from "../../lib/openstack/compute/services.ts";
import { makeEffect, mayYetBeMade, settled } from "../../lib/steps/effect.ts";
import { hostStep } from "../../lib/steps/host-step.ts";
import { noteService } from "../../lib/steps/note-service.ts";

/**
 * State EnableHost: puts the service back as it was. It is enabled only when it was enabled
 * before and is disabled now with our own reason: what somebody else decided meanwhile stays.
 */
export const handler = hostStep("ENABLING", async (context) => {
  const { now, run, session, settings } = context;
  const done = { ...run, phase: "COMPLETING", phase_at: now } as const;
  if (run.prior?.status !== "enabled") return { run: done };
  const cloud = await context.cloud();
  const service = await computeServiceOf(cloud, run.host);
  if (service?.status !== "disabled") {
    // Given back before Nova has answered: it would be disabled after all, and nobody would know.
    if (await mayYetBeMade(context, "disable"))
      return {
        run: { ...run, trouble: "Nova has not answered the call to disable it, and may yet do so" },
        wait: "poll",
        seconds: settings.LULL_POLL_SECONDS,
      };
    await settled(context, "enable");
    return { run: done };
  }
  if (!isOurReason(service.disabled_reason, session.session_id)) {
    const why = `left disabled: the reason is no longer ours but "${service.disabled_reason}"`;
    return { run: { ...done, left_behind: [run.left_behind, why].filter(Boolean).join("; ") } };
  }
  await makeEffect(context, "enable", (requestId) =>
    enableService(cloud.compute, service.id, { requestId }),
  );
  await noteService(context, { ...service, status: "enabled", disabled_reason: null });
  return { run: done };
});
