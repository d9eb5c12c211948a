import { randomUUID } from "node:crypto";
import type { EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { engineCloud } from "../../lib/credentials.ts";
import { type StoredPlan, standingOf, withTrouble } from "../../lib/domain/planning.ts";
import type { Session } from "../../lib/domain/session.ts";
import { novaTime } from "../../lib/fleet/clock.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { isPassing } from "../../lib/lambda/passing.ts";
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
 *
 * @throws whatever stopped it, if that may pass: Lambda calls again for the same event, until the
 *   plan has been tried too often and has failed for good
 */
export const handler = async ({
  time,
  detail,
}: EventBridgeEvent<string, unknown>): Promise<void> => {
  const plan = await plans.get(detailSchema.parse(detail).plan_id);
  if (plan.status !== "making") return;
  try {
    await plans.settle(await made(plan, new Date(time).toISOString()));
  } catch (error) {
    logger.error("planning failed", { error });
    const tried = withTrouble(plan, error, isPassing(error));
    await plans.settle(tried);
    if (tried.status === "making") throw error;
  }
};

const made = async (plan: StoredPlan, askedAt: string): Promise<StoredPlan> => {
  const session = plan.session ?? (await sources.sessions.get(plan.session_id ?? ""));
  const now = await presentOf(session, askedAt);
  if (standingOf(plan, now).status !== "making")
    throw new Error(
      `it was asked for at ${plan.requested_at} and Nova's clock says ${now}: ask for another one, and see that the clocks agree`,
    );
  const { findings, courses } = await planAhead(sources, session, now);
  const making_id = randomUUID();
  await plans.putCourses(plan, making_id, courses);
  return { ...plan, status: "ready", error: null, making_id, findings };
};

/**
 * When a plan begins. The event tells when it was wished for, also when it was kept waiting or comes
 * for the third time; how late it is by now, Nova's clock tells, by which its heartbeats go.
 */
const presentOf = async ({ hosts }: Session, askedAt: string): Promise<string> => {
  const theirs = await novaTime(await sources.cloud(), hosts[0] ?? "");
  return theirs !== null && theirs > askedAt ? theirs : askedAt;
};
