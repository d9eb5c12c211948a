import {
  disabledReason,
  entering,
  givingBack,
  isLeftover,
  isOurReason,
} from "../../lib/domain/host-run.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import { readWorth } from "../../lib/fleet/worth.ts";
import { disableService } from "../../lib/openstack/compute/services.ts";
import { makeEffect, settled } from "../../lib/steps/effect.ts";
import { type HostContext, hostStep } from "../../lib/steps/host-step.ts";
import { noteService } from "../../lib/steps/note-service.ts";

/**
 * State DisableHost: takes the host out of scheduling, after its prior state and its worth were
 * stored. A host that somebody disabled before is left under that reason.
 */
export const handler = hostStep("DISABLING", async (context) => {
  const { now, run, session, settings } = context;
  const cloud = await context.cloud();
  const service = await computeServiceOf(cloud, run.host);
  if (service === null)
    return { run: givingBack(run, now, `Nova has no nova-compute on ${run.host}`) };
  if (service.state === "down")
    return {
      run: givingBack(run, now, `nova-compute on ${run.host} is down: nothing can be moved away`),
    };

  const known = await withPrior(context, service);
  const ours = isOurReason(service.disabled_reason, session.session_id);
  const leftover = isLeftover(service.disabled_reason, session.session_id);
  if (service.status === "enabled" || leftover) {
    const link = `${settings.LULL_PUBLIC_URL}/status/${run.host}`;
    const reason = disabledReason(session.session_id, link);
    await makeEffect(context, "disable", (requestId) =>
      disableService(cloud.compute, service.id, reason, { requestId }),
    );
    await noteService(context, { ...service, status: "disabled", disabled_reason: reason });
  } else if (ours) {
    await settled(context, "disable");
  } else if (known.prior?.status === "enabled") {
    const why = `somebody disabled ${run.host} meanwhile: ${service.disabled_reason}`;
    return { run: givingBack(known, now, why) };
  }
  return { run: entering(known, known.cordon ? "CORDONED" : "ASKING", now) };
});

/** The host with what has to be known to put it back, read before the first touch only. */
const withPrior = async (
  { run, save, cloud }: HostContext,
  service: { id: string; status: "enabled" | "disabled"; disabled_reason: string | null },
) => {
  if (run.prior !== null) return run;
  const { id, status, disabled_reason } = service;
  const worth = await readWorth(await cloud(), run.host);
  const leftover = isLeftover(disabled_reason, run.session_id);
  const prior = leftover
    ? ({ status: "enabled", disabled_reason: null } as const)
    : { status, disabled_reason };
  // Another session left it for a human, half-worked perhaps: it comes back verified, or not at all.
  const worked = run.worked || leftover;
  return save({ ...run, worth, worked, prior: { service_id: id, ...prior } });
};
