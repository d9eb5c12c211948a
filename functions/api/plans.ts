import { randomUUID } from "node:crypto";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { admit } from "../../lib/control/admit.ts";
import { idempotencyOf, madeBefore } from "../../lib/control/idempotency.ts";
import { planView, planViews } from "../../lib/control/plan-views.ts";
import { ConflictError } from "../../lib/domain/errors.ts";
import { OBJECTIVES } from "../../lib/domain/plan/objective.ts";
import {
  requestPlan,
  type StoredPlan,
  sessionPlanSchema,
  standingOf,
} from "../../lib/domain/planning.ts";
import { isClosed, newSessionSchema } from "../../lib/domain/session.ts";
import {
  type ApiRequest,
  api,
  PLANNERS,
  parseBody,
  parseQuery,
  pathParameter,
  READERS,
  type Reply,
} from "../../lib/lambda/api.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { findIdempotency, putIdempotency } from "../../lib/store/idempotency.ts";
import { planStore } from "../../lib/store/plans.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const plans = planStore(table);
const sessions = sessionStore(table);
const views = planViews(table);
const admitted = admit(settings, hostStore(table));

const ofSessionSchema = z.looseObject({ session_id: z.unknown() });

const courseSchema = z.strictObject({ objective: z.enum(OBJECTIVES).optional() });
const operationsSchema = courseSchema.extend({
  session_id: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

/**
 * POST /v1/plans: of a session that is open, or of one as POST /v1/maintenance would open it. The API
 * holds no credential of the cloud: it asks, and functions/engine/plan.ts plans. The same
 * Idempotency-Key with the same body is the same plan.
 */
const startPlan = async (request: ApiRequest): Promise<Reply> => {
  const { now } = request;
  const use = idempotencyOf(request);
  const before = use && (await findIdempotency(table, use, now));
  if (use && before) return begun(await plans.get(madeBefore(before, use, "plan_id")), now);

  const plan = await requested(request);
  const { plan_id } = plan;
  try {
    await plans.request(plan, use ? [putIdempotency(table, use, { plan_id }, now)] : []);
  } catch (error) {
    const winner = use && (await findIdempotency(table, use, now));
    if (!use || !winner) throw error;
    return begun(await plans.get(madeBefore(winner, use, "plan_id")), now);
  }
  return begun(plan, now);
};

const begun = (plan: StoredPlan, now: string): Reply => ({
  status: 202,
  body: planView(standingOf(plan, now)),
  headers: { location: `/v1/plans/${plan.plan_id}` },
});

const requested = async (request: ApiRequest): Promise<StoredPlan> => {
  const { principal, now } = request;
  const by = principal?.name ?? "";
  const planId = randomUUID();
  const isOfSession = ofSessionSchema.safeParse(parseBody(z.unknown(), request)).success;
  if (!isOfSession) {
    const session = await admitted({ body: parseBody(newSessionSchema, request), by, now });
    return requestPlan({ planId, objective: session.objective, by, now, session });
  }
  const { session_id, objective: wanted } = parseBody(sessionPlanSchema, request);
  const session = await sessions.get(session_id);
  const objective = wanted ?? session.objective;
  if (isClosed(session)) throw new ConflictError(`session ${session_id} is over`);
  return requestPlan({ planId, objective, by, now, sessionId: session_id });
};

const planOf = async ({ params, now }: ApiRequest): Promise<StoredPlan> =>
  standingOf(await plans.get(pathParameter(params["plan_id"], z.uuid())), now);

const showPlan = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: planView(await planOf(request)),
});

const listOperations = async (request: ApiRequest): Promise<Reply> => {
  const { limit, cursor = null, objective, session_id } = parseQuery(operationsSchema, request);
  const plan = await planOf(request);
  const sessionId = session_id ?? plan.session_id;
  return {
    status: 200,
    body: await views.operations(plan, objective ?? plan.objective, { limit, cursor, sessionId }),
  };
};

const showCurve = async (request: ApiRequest): Promise<Reply> => {
  const { objective } = parseQuery(courseSchema, request);
  const plan = await planOf(request);
  return { status: 200, body: await views.curve(plan, objective ?? plan.objective) };
};

export const handler = api([
  { method: "POST", path: "/v1/plans", allow: PLANNERS, run: startPlan },
  { method: "GET", path: "/v1/plans/{plan_id}", allow: READERS, run: showPlan },
  { method: "GET", path: "/v1/plans/{plan_id}/operations", allow: READERS, run: listOperations },
  { method: "GET", path: "/v1/plans/{plan_id}/curve", allow: READERS, run: showCurve },
]);
