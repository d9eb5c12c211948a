import { randomUUID } from "node:crypto";
import type { EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { engineCloud } from "../../lib/credentials.ts";
import type { StoredPlan } from "../../lib/domain/planning.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { planAhead, type Sources } from "../../lib/steps/plan-ahead.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { planStore } from "../../lib/store/plans.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { openTable } from "../../lib/store/table.ts";

const detailSchema = z.object({ plan_id: z.string() });

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const plans = planStore(table);
const sources: Sources = {
  settings,
  sessions: sessionStore(table),
  constraints: constraintStore(table),
  hostRuns: hostRunStore(table),
  moves: moveStore(table),
  inventory: hostStore(table),
  owners: ownership(table),
  cloud: () => engineCloud(settings),
};

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
    const session = plan.session ?? (await sources.sessions.get(plan.session_id ?? ""));
    const { findings, courses } = await planAhead(sources, session, now);
    const making_id = randomUUID();
    await plans.putCourses(plan, making_id, courses);
    return { ...plan, status: "ready", making_id, findings };
  } catch (error) {
    logger.error("planning failed", { error });
    const why = error instanceof Error ? error.message : String(error);
    return { ...plan, status: "failed", error: why };
  }
};
