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
  action: z.enum(["LIVE_MIGRATE", "MIGRATE", "OWN_ACTION", "OFFLOAD", "STOP_START", "STAY"]),
  /** `staying` = it is left where it is during the work. */
  state: z.enum(["waiting", "moving", "moved", "blocked", "gone", "staying"]),
  destination_host: z.string().nullable(),
  /** The newest ask about it, by which its project was told; null = it has not been told yet. */
  ask_id: z.string().nullable().default(null),
  /** The run of the host that asked: what an owner said to an earlier one does not count. */
  asked_by: z.string().nullable().default(null),
  /** It runs, and is stopped for its move: its owner agreed. */
  interrupts: z.boolean().default(false),
  /** How often its owner had it put off, and until when. */
  defers: z.int().default(0),
  deferred_until: z.string().nullable().default(null),
  refusals: z.array(refusalSchema).default([]),
  tries: z.int(),
  /**
   * Since when no less of it was left to copy than this many bytes, how many bytes of its memory had
   * been sent by then, and how many were left of it at most since; null while nothing is copied.
   */
  progress: z
    .object({
      left: z.number(),
      at: z.string(),
      sent: z.number().nullable().default(null),
      most: z.number().nullable().default(null),
    })
    .nullable()
    .default(null),
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

/** A move of which nothing is known but that it has to be. */
export const openMove = (
  { session_id }: { readonly session_id: string },
  { host }: { readonly host: string },
  instanceId: string,
  name: string | null,
  projectId: string | null,
): Move => ({
  schema: 1,
  session_id,
  host,
  instance_id: instanceId,
  instance_name: name ?? instanceId,
  project_id: projectId ?? "",
  action: "LIVE_MIGRATE",
  state: "waiting",
  destination_host: null,
  ask_id: null,
  asked_by: null,
  interrupts: false,
  defers: 0,
  deferred_until: null,
  refusals: [],
  tries: 0,
  progress: null,
  stalls: 0,
  arrived_at: null,
  retried_at: null,
  vetoed: false,
  started_at: null,
  finished_at: null,
  details: null,
});

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

const FAILED = new Set(["error", "failed"]);
/** Ended by its owner, an admin, ourselves, or Nova's own time-out. */
const CANCELLED = new Set(["cancelled", "reverted"]);
/** Ends of a migration: `completed` (live), `confirmed` (cold), `done` (evacuation). */
const SUCCEEDED = new Set(["completed", "confirmed", "done"]);
/** A cold migration that has arrived and waits for its confirmation. */
const ARRIVED = "finished";

/** Whether Nova is still at work on it, or waits for a confirmation of it. */
export const isUnfinished = ({ status }: SeenMigration): boolean =>
  !FAILED.has(status) && !SUCCEEDED.has(status) && !CANCELLED.has(status);

/** The migration that the intent brought about; undefined while Nova shows none. */
export const migrationOf = (
  { instance_id: instanceId, newest_migration }: Intent,
  migrations: readonly SeenMigration[],
): SeenMigration | undefined =>
  migrations
    .filter(({ instance_id, id }) => instance_id === instanceId && id > newest_migration)
    .toSorted((a, b) => b.id - a.id)[0];

export type Verdict = "unseen" | "moving" | "arrived" | "done" | "failed" | "cancelled";

/**
 * What became of a move's intent, seen from Nova: the 202 to the call says nothing, only the
 * migration row tells. `unseen` = Nova has no newer migration of the instance, so the call never
 * took effect (or has not yet); `arrived` = it is there and still holds its old place.
 */
export const verdictOn = (intent: Intent, migrations: readonly SeenMigration[]): Verdict => {
  const ours = migrationOf(intent, migrations);
  if (ours === undefined) return "unseen";
  if (SUCCEEDED.has(ours.status)) return "done";
  if (CANCELLED.has(ours.status)) return "cancelled";
  if (ours.status === ARRIVED) return "arrived";
  return FAILED.has(ours.status) ? "failed" : "moving";
};

/** Whether its transfer had begun and broke off: a scheduler's or a check's refusal is no such failure. */
export const hasBrokenOff = (intent: Intent, migrations: readonly SeenMigration[]): boolean =>
  migrationOf(intent, migrations)?.status === "failed";

/** Effects that take an instance away, as their names begin. */
const MOVES = { live: "live_migrate", cold: "migrate", offload: "offload" } as const;
export type MoveKind = keyof typeof MOVES;

/** The name of the n-th try, from 1, to move an instance in one run. */
export const moveEffect = (kind: MoveKind, instanceId: string, attempt: number): string =>
  `${MOVES[kind]}#${instanceId}#${String(attempt).padStart(3, "0")}`;

const IMPACT = "impact";

/** The name of the n-th time, from 1, that an instance counts among the impacted members of its groups. */
export const impactEffect = (instanceId: string, n: number): string =>
  `${IMPACT}#${instanceId}#${String(n).padStart(3, "0")}`;

/** Whether the intent is about nothing but that. */
export const isImpact = ({ effect }: Pick<Intent, "effect">): boolean =>
  effect.startsWith(`${IMPACT}#`);

/** How an intent moves its instance; null when it is about something else. */
export const moveKindOf = ({ effect }: Pick<Intent, "effect">): MoveKind | null => {
  switch (effect.split("#")[0]) {
    case MOVES.live:
      return "live";
    case MOVES.cold:
      return "cold";
    case MOVES.offload:
      return "offload";
    default:
      return null;
  }
};

/** The tries to move the instance, among all effects of a run. */
export const movesOf = (intents: readonly Intent[], instanceId: string): Intent[] =>
  intents.filter((one) => one.instance_id === instanceId && moveKindOf(one) !== null);

/** After the targets of so many tries could not be reached in time, its owner is asked instead. */
const MOST_STALLS = 3;

/** Tries of one instance on one host: after so many, only its owner or an admin gets further. */
const MOST_TRIES = 10;

/** Why a move is not begun again until its owner or an admin acts, in words. */
type GivenUp = { readonly rule: "vetoed" | "too_busy" | "tries_used"; readonly words: string };

/**
 * What came of a move so far that keeps it from being begun again; null = nothing.
 *
 * @param tries since they were last forgotten
 */
export const givenUp = (move: Move, tries: number): GivenUp | null => {
  if (move.vetoed) return { rule: "vetoed", words: "its owner or an admin cancelled its move" };
  if (move.stalls >= MOST_STALLS)
    return {
      rule: "too_busy",
      words: `its memory changes faster than it can be copied to any of ${move.stalls} hosts; its owner has to calm it down or stop it`,
    };
  if (tries < MOST_TRIES) return null;
  return {
    rule: "tries_used",
    words: `not moved in ${tries} tries; see: openstack server event list ${move.instance_id}`,
  };
};

/**
 * Takes note of how much is left to copy, of its memory and in all, and of how much of its memory was
 * sent, in bytes. The clock of a transfer that does not get on counts from the last time less was left
 * than ever before; one that is queued or being prepared has none.
 */
export const withProgress = (
  progress: Move["progress"],
  seen: { readonly left: number; readonly memory: number; readonly sent: number } | null,
  now: string,
): Move["progress"] => {
  if (seen === null) return progress;
  const { left, memory, sent } = seen;
  if (progress === null || left < progress.left) return { left, at: now, sent, most: memory };
  const isMore = progress.most !== null && memory > progress.most;
  return isMore ? { ...progress, most: memory } : progress;
};
