import { expect, test } from "vitest";
import { madePlan } from "./made-plan.ts";
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
    const plan = await madePlan(api, body);
    const { detail } = await ended(await open(body));
    const { fastest, fewest_moves } = plan.outcomes ?? {};

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(fewest_moves?.moves).toBeLessThan(fastest?.moves ?? 0);
    expect(detail.instances.length).toBeLessThanOrEqual(fewest_moves?.moves ?? 0);
  }),
);
