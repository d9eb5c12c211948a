import { randomUUID } from "node:crypto";
import { nextStep } from "../../lib/domain/plan/session-step.ts";
import { sessionStep } from "../../lib/steps/session-step.ts";

/** State DispatchHosts: gives the hosts that the plan starts now a run of their own. */
export const handler = sessionStep(async ({ hostRuns, ref, now, session, hosts }) => {
  const step = nextStep(session, hosts, now);
  if (step.next === "dispatch")
    for (const run of step.hosts) await hostRuns.start(run, randomUUID(), ref, now);
  return { next: "plan" };
});
