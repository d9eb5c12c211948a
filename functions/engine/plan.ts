import { randomUUID } from "node:crypto";
import type { EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import type { StoredPlan } from "../../lib/domain/planning.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { openEngine } from "../../lib/steps/engine.ts";
import { planAhead } from "../../lib/steps/plan-ahead.ts";
import { planStore } from "../../lib/store/plans.ts";
import { openTable } from "../../lib/store/table.ts";

const detailSchema = z.object({ plan_id: z.string() });

const engine = openEngine();
const plans = planStore(openTable(engine.settings.TABLE_NAME));

/**
 * Makes a plan that somebody asked for. Safe to repeat: a plan that is made stays as it is, and of two
 * that make it at once one counts.
 */
export const handler = async ({
  time,
  detail,
}: EventBridgeEvent<string, unknown>): Promise<void> => {
  const plan = await plans.get(detailSchema.parse(detail).plan_id);
  if (plan.status !== "making") return;
  const now = new Date(time).toISOString();
  await plans.finish(await made(plan, now));
};

const made = async (plan: StoredPlan, now: string): Promise<StoredPlan> => {
  try {
    const session = plan.session ?? (await engine.sessions.get(plan.session_id ?? ""));
    const { findings, courses } = await planAhead(engine, session, now);
    const making_id = randomUUID();
    await plans.putCourses(plan, making_id, courses);
    return { ...plan, status: "ready", making_id, findings };
  } catch (error) {
    logger.error("planning failed", { error });
    const why = error instanceof Error ? error.message : String(error);
    return { ...plan, status: "failed", error: why };
  }
};
