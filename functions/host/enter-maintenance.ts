import { whyNotEmpty } from "../../lib/domain/empty.ts";
import { maintenanceHost } from "../../lib/domain/events/maintenance-host.ts";
import { entering } from "../../lib/domain/host-run.ts";
import { readEvidence } from "../../lib/fleet/evidence.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/**
 * State EnterMaintenance: the last look before host work. Only a host that is empty at this
 * moment enters; from here on it is not simply given back.
 */
export const handler = hostStep("ENTERING", async ({ cloud, now, run }) => {
  const evidence = await readEvidence(await cloud(), run.host, run.worth?.provider_id ?? "");
  const why = whyNotEmpty(evidence, run.staying);
  if (why !== null) return { run: { ...entering(run, "VERIFYING_EMPTY", now), trouble: why } };
  const next = {
    ...entering(run, "IN_MAINTENANCE", now),
    work_started_at: now,
    sequence: run.sequence + 1,
  };
  return { run: next, events: [maintenanceHost(next, "IN_MAINTENANCE", now)] };
});
