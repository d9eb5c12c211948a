import * as z from "zod";
import { later } from "./instant.ts";
import { durationsSchema } from "./plan/durations.ts";
import { OBJECTIVES, type Objective } from "./plan/objective.ts";
import { type Session, sessionSchema } from "./session.ts";

/** The event type that asks for a plan; its rule calls functions/engine/plan.ts. */
export const PLAN_REQUESTED = "plan.requested";

/**
 * Body of POST /v1/plans for a session that is open, and which of the plans is shown unless told:
 * absent = that of the session. Of one that is not open, the body is the session's own.
 */
export const sessionPlanSchema = z.strictObject({
  session_id: z.uuid(),
  objective: z.enum(OBJECTIVES).optional(),
});

/** A host that the plan does not maintain, and what keeps it. */
const blockedSchema = z.object({
  host: z.string(),
  instance_id: z.string().nullable(),
  instance_name: z.string().nullable(),
  /** One of the planner's rules, or `unknown`: Placement has no such host; or what pre-flight stops at, e.g. `host_down`. */
  rule: z.string(),
  /** Of an instance that is pinned, or a host that cannot be maintained as it is: why, and what to do. */
  why: z.string().nullable(),
  /** What would have to become free, by resource class; null where room is not what is missing. */
  missing: z.record(z.string(), z.number()).nullable(),
});

/** What one objective comes to. */
const outcomeSchema = z.object({
  makespan_seconds: z.number(),
  /** The same where all goes as quickly, or as slowly, as a quarter of what was seen. */
  makespan_low_seconds: z.number(),
  makespan_high_seconds: z.number(),
  ends_at: z.string(),
  ends_at_low: z.string(),
  ends_at_high: z.string(),
  moves: z.int(),
  operations: z.int(),
  hosts_maintained: z.int(),
  hosts_blocked: z.int(),
  /** The first of them. */
  blocked: z.array(blockedSchema),
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** What a plan does not foresee. */
const warningSchema = z.object({ code: z.string(), message: z.string() });
export type Warning = z.infer<typeof warningSchema>;

/** What a plan says before anybody looks at its operations. */
const findingsSchema = z.object({
  /** t = 0 of all that follows. */
  starts_at: z.string(),
  outcomes: z.object({ fastest: outcomeSchema, fewest_moves: outcomeSchema }),
  /** Seconds that no order of moves can beat, by the room there is; null = there is no room at all. */
  lower_bound_seconds: z.number().nullable(),
  durations: durationsSchema,
  warnings: z.array(warningSchema),
});
export type Findings = z.infer<typeof findingsSchema>;

/** A plan as stored: what it was asked for, and once it is made, what it comes to. */
export const planSchema = z
  .object({
    schema: z.literal(1),
    plan_id: z.uuid(),
    status: z.enum(["making", "ready", "failed"]),
    objective: z.enum(OBJECTIVES),
    /** The session it is of; null = of one that has not been opened. */
    session_id: z.string().nullable(),
    /** The session that would be opened; null = it is open. */
    session: sessionSchema.nullable(),
    requested_at: z.string(),
    requested_by: z.string(),
    /** Why it failed; while it is being made, what stopped the last try at it. */
    error: z.string().nullable(),
    /** Tries at it that came to nothing. */
    tries: z.int().default(0),
    /** Under which its pages are kept: of two that made it at once, those of one. */
    making_id: z.string().nullable(),
    findings: findingsSchema.nullable(),
  })
  .strip();
export type StoredPlan = z.infer<typeof planSchema>;

type Request = {
  readonly planId: string;
  readonly objective: Objective;
  readonly by: string;
  readonly now: string;
} & (
  | { readonly session: Session; readonly sessionId?: never }
  | { readonly sessionId: string; readonly session?: never }
);

export const requestPlan = ({
  planId,
  objective,
  by,
  now,
  session,
  sessionId,
}: Request): StoredPlan => ({
  schema: 1,
  plan_id: planId,
  status: "making",
  objective,
  session_id: sessionId ?? null,
  session: session ?? null,
  requested_at: now,
  requested_by: by,
  error: null,
  tries: 0,
  making_id: null,
  findings: null,
});

/** Each plan reads the whole cloud, and all wait for one function. */
export const MOST_AT_ONCE = 4;

/** As often as Lambda calls functions/engine/plan.ts for one event; see serverless.yml. */
const MOST_TRIES = 3;
/** Longer errors are cut: the log has the rest, and a plan has to fit into its row. */
const LONGEST_ERROR = 1000;

/**
 * The plan after a try at it that came to nothing. It has failed, unless what stopped it may pass
 * and it is going to be tried again.
 */
export const withTrouble = (plan: StoredPlan, error: unknown, mayPass: boolean): StoredPlan => {
  const tries = plan.tries + 1;
  const why = error instanceof Error ? error.message : String(error);
  return {
    ...plan,
    tries,
    status: mayPass && tries < MOST_TRIES ? "making" : "failed",
    error: why.slice(0, LONGEST_ERROR),
  };
};

/** Nobody makes a plan so long: whoever did has died, and its event with it. */
const GIVEN_UP_SECONDS = 1800;

/** The plan as it stands: one that should have been made long ago has failed. */
export const standingOf = (plan: StoredPlan, now: string): StoredPlan =>
  plan.status === "making" && later(plan.requested_at, GIVEN_UP_SECONDS) <= now
    ? {
        ...plan,
        status: "failed",
        error: `nobody finished it (${plan.error ?? "no error was noted"}); ask for another one`,
      }
    : plan;
