import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { getPlan, startPlan } from "../../lib/client/plans.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 6, instances: 24, spread: 0 }) });

test(
  "a session that is to spare moves makes as few as its plan",
  onStage(async ({ api, open, ended }) => {
    const body = {
      hosts: ["cmp-01", "cmp-02", "cmp-03", "cmp-04", "cmp-05", "cmp-06"],
      max_parallel_hosts: 2,
      objective: "fewest_moves",
      profile: "doctor",
    } as const;
    let plan = await startPlan(api, body);
    while (plan.status === "making") {
      await pause(50);
      plan = await getPlan(api, plan.plan_id);
    }
    const { detail } = await ended(await open(body));
    const { fastest, fewest_moves } = plan.outcomes ?? {};

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(fewest_moves?.moves).toBeLessThan(fastest?.moves ?? 0);
    expect(detail.instances.length).toBeLessThanOrEqual(fewest_moves?.moves ?? 0);
  }),
);
