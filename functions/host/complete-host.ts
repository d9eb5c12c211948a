import { maintenanceHost } from "../../lib/domain/events/maintenance-host.ts";
import { entering, type HostRun } from "../../lib/domain/host-run.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/** State CompleteHost: says that the host is back, and ends its run. */
export const handler = hostStep("COMPLETING", async ({ now, run }) => {
  if (run.waits_again) return { run: waitingAgain(run, now) };
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

/** The host as if it had never been touched, which in the end it was not. */
const waitingAgain = (run: HostRun, now: string): HostRun => ({
  ...entering(run, "WAITING", now),
  run_id: null,
  prior: null,
  worth: null,
  staying: [],
  stopped: [],
  started_at: null,
  stood_still: 0,
  drain_from: null,
  stood_still_before: 0,
  cordon: false,
  waits_again: false,
});
