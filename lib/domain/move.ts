import * as z from "zod";

/** A target that Nova would not take an instance to: when last, how often, and in what words. */
const refusalSchema = z.object({
  host: z.string(),
  at: z.string(),
  times: z.int(),
  why: z.string(),
});
export type Refusal = z.infer<typeof refusalSchema>;

/** One instance that has to leave one host, over all tries. */
export const moveSchema = z.object({
  schema: z.literal(1),
  session_id: z.string(),
  host: z.string(),
  instance_id: z.string(),
  instance_name: z.string(),
  project_id: z.string(),
  action: z.enum(["LIVE_MIGRATE", "MIGRATE", "OFFLOAD", "STOP_START", "STAY"]),
  /** `staying` = it is left where it is during the work. */
  state: z.enum(["waiting", "moving", "moved", "blocked", "gone", "staying"]),
  destination_host: z.string().nullable(),
  refusals: z.array(refusalSchema).default([]),
  tries: z.int(),
  /** Since when no less of it was left to copy than this many bytes; null while nothing is copied. */
  progress: z.object({ left: z.number(), at: z.string() }).nullable().default(null),
  /** Targets to which its memory could not be copied as fast as it changed. */
  stalls: z.int().default(0),
  /** When its cold move arrived and began to wait for its confirmation. */
  arrived_at: z.string().nullable().default(null),
  /** When its tries were last forgotten, at an admin's word. */
  retried_at: z.string().nullable().default(null),
  /** Its owner or an admin ended its move: it is not begun again in this session. */
  vetoed: z.boolean(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  details: z.string().nullable(),
});
export type Move = z.infer<typeof moveSchema>;

/**
 * What a move takes of a group of instances that must not all suffer at once: how many members may
 * be impacted together, over all sessions, and how long the group rests after each.
 */
const groupClaimSchema = z.object({
  id: z.string(),
  max_impacted_members: z.int().min(1),
  recovery_seconds: z.int().min(0),
});
export type GroupClaim = z.infer<typeof groupClaimSchema>;

/**
 * What is to be done to something outside: stored before it is done, together with what makes the
 * question "did it happen?" answerable after a crash.
 */
export const intentSchema = z.object({
  schema: z.literal(1),
  run_id: z.string(),
  /** Names the effect once and for all, e.g. `live_migrate#<instance>#2`. */
  effect: z.string(),
  generation: z.int(),
  /** Sent to OpenStack as the global request id, so that its logs join with ours. */
  request_id: z.string(),
  at: z.string(),
  instance_id: z.string().nullable(),
  target: z.string().nullable(),
  target_device_id: z.string().nullable(),
  /** The newest migration of the instance before the call; a newer one is ours. 0 = none. */
  newest_migration: z.int(),
  /** What it takes of the groups of the instance until it has ended. */
  groups: z.array(groupClaimSchema).default([]),
  outcome: z.enum(["done", "failed", "refused", "gone"]).nullable(),
  finished_at: z.string().nullable(),
  details: z.string().nullable(),
});
export type Intent = z.infer<typeof intentSchema>;

/** A migration row of Nova, as far as it matters here. */
export type SeenMigration = {
  readonly id: number;
  readonly instance_id: string;
  readonly status: string;
  readonly source: string | null;
  readonly target: string | null;
};

const FAILED = new Set(["error", "failed", "reverted"]);
/** Ended by its owner, an admin, or Nova's own time-out: a no, and not a fault to try again. */
const CANCELLED = "cancelled";
/** Ends of a migration: `completed` (live), `confirmed` (cold), `done` (evacuation). */
const SUCCEEDED = new Set(["completed", "confirmed", "done"]);

/** Whether Nova is still at work on it, or waits for a confirmation of it. */
export const isUnfinished = ({ status }: SeenMigration): boolean =>
  !FAILED.has(status) && !SUCCEEDED.has(status) && status !== CANCELLED;

/**
 * What became of a move's intent, seen from Nova: the 202 to the call says nothing, only the
 * migration row tells. `unseen` = Nova has no newer migration of the instance, so the call never
 * took effect (or has not yet).
 */
export const verdictOn = (
  intent: Intent,
  migrations: readonly SeenMigration[],
): "unseen" | "moving" | "done" | "failed" | "cancelled" => {
  const ours = migrations
    .filter(
      ({ instance_id, id }) => instance_id === intent.instance_id && id > intent.newest_migration,
    )
    .toSorted((a, b) => b.id - a.id)[0];
  if (ours === undefined) return "unseen";
  if (SUCCEEDED.has(ours.status)) return "done";
  if (ours.status === CANCELLED) return "cancelled";
  return FAILED.has(ours.status) ? "failed" : "moving";
};
