import { maintenanceHost } from "../../lib/domain/events/maintenance-host.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/** State CompleteHost: says that the host is back, and ends its run. */
export const handler = hostStep("COMPLETING", async ({ now, run }) => {
  const worked = run.work_started_at !== null;
  const next = {
    ...run,
    phase: "FINISHED",
    phase_at: now,
    finished_at: now,
    outcome: run.outcome ?? "maintained",
    sequence: run.sequence + (worked ? 1 : 0),
  } as const;
  return {
    run: next,
    events: worked ? [maintenanceHost(next, "MAINTENANCE_COMPLETE", now)] : [],
  };
});
