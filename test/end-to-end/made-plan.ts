import { setTimeout as pause } from "node:timers/promises";
import { getPlan, type Plan, startPlan } from "../../lib/client/plans.ts";
import type { Api } from "../../lib/client/request.ts";

/** Asks for a plan, and waits until it is made or has failed. */
export const madePlan = async (
  api: Api,
  body: Parameters<typeof startPlan>[1],
  lookEveryMs = 50,
): Promise<Plan> => {
  let plan = await startPlan(api, body);
  while (plan.status === "making") {
    await pause(lookEveryMs);
    plan = await getPlan(api, plan.plan_id);
  }
  return plan;
};
