import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { NewMaintenance, Objective } from "./maintenance.ts";
import { type Api, pages, request } from "./request.ts";

/** Rules are plain strings and unknown fields are kept: an older command must read a newer API. */
const blockedSchema = z.looseObject({
  host: z.string(),
  instance_id: z.string().nullish(),
  instance_name: z.string().nullish(),
  rule: z.string(),
  why: z.string().nullish(),
  missing: z.record(z.string(), z.number()).nullish(),
});

const outcomeSchema = z.looseObject({
  makespan_seconds: z.number(),
  makespan_low_seconds: z.number(),
  makespan_high_seconds: z.number(),
  ends_at: z.string(),
  ends_at_low: z.string(),
  ends_at_high: z.string(),
  moves: z.number(),
  operations: z.number(),
  hosts_maintained: z.number(),
  hosts_blocked: z.number(),
  blocked: z.array(blockedSchema),
});
export type Outcome = z.infer<typeof outcomeSchema>;

const planSchema = z.looseObject({
  plan_id: z.string(),
  status: z.string(),
  objective: z.string(),
  session_id: z.string().nullish(),
  error: z.string().nullish(),
  starts_at: z.string().optional(),
  /** By objective; absent until the plan is ready. */
  outcomes: z.record(z.string(), outcomeSchema).optional(),
  lower_bound_seconds: z.number().nullish(),
  warnings: z.array(z.looseObject({ code: z.string(), message: z.string() })).default([]),
});
export type Plan = z.infer<typeof planSchema>;

const operationSchema = z.looseObject({
  number: z.number(),
  what: z.string(),
  host: z.string(),
  instance_id: z.string().nullish(),
  instance_name: z.string().nullish(),
  to: z.string().nullish(),
  expected_start_at: z.string(),
  expected_end_at: z.string(),
  /** What became of it; absent where the plan is held against no session. */
  state: z.string().optional(),
  started_at: z.string().nullish(),
  finished_at: z.string().nullish(),
  went_to: z.string().nullish(),
});
export type Operation = z.infer<typeof operationSchema>;

const curveSchema = z.object({
  points: z.array(
    z.looseObject({
      at: z.string(),
      free: z.record(z.string(), z.number()),
      hosts_out: z.number(),
      impacted: z.number(),
      impacted_members: z.number(),
    }),
  ),
});
export type CurvePoint = z.infer<typeof curveSchema>["points"][number];

const planPath = (id: string) => `/v1/plans/${encodeURIComponent(id)}`;

/**
 * Asks for a plan of a session as it would be opened, or of one that is; follow it with getPlan. A
 * lost answer is asked for again under the same idempotency key, so that there is one plan.
 *
 * @throws ApiError with status 429 while as many plans are being made as may be
 */
export const startPlan = (
  api: Api,
  body: NewMaintenance | { readonly session_id: string; readonly objective?: Objective },
): Promise<Plan> =>
  request(api, "/v1/plans", planSchema, { method: "POST", body, idempotencyKey: randomUUID() });

/** @throws ApiError with code "not_found" */
export const getPlan = (api: Api, id: string): Promise<Plan> =>
  request(api, planPath(id), planSchema);

const PAGE_SIZE = 500;

/**
 * The operations of a plan in their order, page by page.
 *
 * @param sessionId the session they are held against, if it is not the plan's own
 * @throws ApiError with code "conflict" while the plan is not ready
 */
export const listOperations = (
  api: Api,
  id: string,
  { objective, sessionId }: { readonly objective?: string; readonly sessionId?: string } = {},
) =>
  pages<Operation>(async (cursor) => {
    const page = await request(
      api,
      `${planPath(id)}/operations`,
      z.object({ operations: z.array(operationSchema), next_cursor: z.string().nullish() }),
      { query: { objective, session_id: sessionId, limit: PAGE_SIZE, cursor } },
    );
    return { items: page.operations, next_cursor: page.next_cursor };
  });

/** Free room and impacted members over the time of a plan. */
export const getCurve = async (
  api: Api,
  id: string,
  objective?: string,
): Promise<readonly CurvePoint[]> =>
  (await request(api, `${planPath(id)}/curve`, curveSchema, { query: { objective } })).points;
