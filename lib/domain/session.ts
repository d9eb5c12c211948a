import * as z from "zod";
import { hostNameSchema } from "./device.ts";
import { dialogueSchema } from "./dialogue/rules.ts";
import { instantSchema } from "./instant.ts";
import { OBJECTIVES } from "./plan/objective.ts";

/** States of a maintenance session, spelled as Fenix spells them. */
const SESSION_STATES = [
  "MAINTENANCE",
  "SCALE_IN",
  "PREPARE_MAINTENANCE",
  "START_MAINTENANCE",
  "PLANNED_MAINTENANCE",
  "MAINTENANCE_COMPLETE",
  "MAINTENANCE_DONE",
  "MAINTENANCE_FAILED",
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** A session claims its hosts in chunks; above this it should be several sessions. */
const MAX_HOSTS = 2000;

/** Host names of one session, all together, in characters. */
const MOST_NAMES = 100_000;

const hostNames = z
  .array(hostNameSchema)
  .max(MAX_HOSTS)
  .refine(
    (names) => names.join("").length <= MOST_NAMES,
    "are too many for one session; make several",
  );

/** Notes by name; small enough that a session with all its hosts fits into one row of 400 KB. */
const metadataSchema = z
  .record(z.string().min(1).max(64), z.union([z.string().max(1000), z.number()]))
  .refine((notes) => Object.keys(notes).length <= 50, "has more than 50 entries");

/** One plug-in step of a host's work, as Fenix's `actions` write it. */
const actionSchema = z.strictObject({
  plugin: z.enum(["webhook", "hold"]),
  type: z.literal("host").default("host"),
  metadata: metadataSchema.default({}),
});
export type Action = z.infer<typeof actionSchema>;

/**
 * What may be done with an instance that live migration cannot take away, by what keeps it. The
 * defaults interrupt nobody: only an instance that is shut off anyway is moved cold.
 */
export const policiesSchema = z.strictObject({
  /** SHUTOFF: moved by cold migration and left shut off, left where it is, or in the way. */
  shutoff: z.enum(["migrate", "stay", "block"]).default("migrate"),
  /** ERROR: left where it is, as agreed with its owner, or in the way. */
  error: z.enum(["stay", "block"]).default("block"),
  /** SHELVED: offloaded, which its owner cannot tell from shelved, or in the way. */
  shelved: z.enum(["offload", "block"]).default("block"),
  /** Locked by its owner: moved all the same, or in the way. */
  locked: z.enum(["move", "block"]).default("block"),
  /** Bound to a device of its host: stopped there and started after the work, or in the way. */
  device_bound: z.enum(["stop_start", "block"]).default("block"),
});
export type Policies = z.infer<typeof policiesSchema>;

const windowSchema = z
  .strictObject({ starts_at: instantSchema, ends_at: instantSchema })
  .refine(({ starts_at, ends_at }) => starts_at < ends_at, "ends before it starts");

/** Body of POST /v1/maintenance: Fenix v1 plus our fields; docs/api.md explains each. */
export const newSessionSchema = z.strictObject({
  state: z.literal("MAINTENANCE").optional(),
  hosts: hostNames.default([]),
  /** Absent = now. */
  maintenance_at: instantSchema.optional(),
  /** No host is started after it; null = open end. */
  ends_at: instantSchema.nullable().default(null),
  /** Names the style of the dialogue with projects, as in Fenix. */
  workflow: z.enum(["default", "vnf"]).default("default"),
  /** Capabilities told to projects; strings and numbers only, because real clients `eval` it. */
  metadata: metadataSchema.default({}),
  actions: z.array(actionSchema).max(20).default([]),
  /** The only hosts instances may be moved to; empty = any that fits. */
  targets: hostNames.default([]),
  max_parallel_hosts: z.int().min(1).max(100).default(1),
  /** Hosts out of service at a time that share a `zone`, a `cell` or a label's value, by its name. */
  max_parallel_per: z.record(z.string().min(1).max(64), z.int().min(1).max(100)).default({}),
  /** Hosts of one kind go one at a time until one of them has been maintained and borne an instance. */
  canary: z.boolean().optional(),
  /** How long it has to bear one before several go at a time. */
  soak_minutes: z.int().min(0).max(1440).optional(),
  /** So many of the largest hosts of a zone have to fit into what is free, whatever is out of service. */
  reserve_hosts: z.int().min(0).max(10).optional(),
  /** So many of the next hosts are disabled early, so that nothing new lands on them. */
  cordon_ahead: z.int().min(0).max(100).default(0),
  /** How long one host takes, for the question whether it ends before the window does. */
  host_minutes: z.int().min(1).max(10_080).nullable().default(null),
  /** Further windows, in which it goes on when the one before is over. */
  next_windows: z.array(windowSchema).max(50).default([]),
  /** Hosts that do more than compute are maintained all the same. */
  accept_duties: z.boolean().default(false),
  /** A live migration that does not get on may pause its instance for as long as its owner bears. */
  force_complete: z.boolean().default(false),
  /** The hosts do not come back: their service is deleted after the work. */
  retire: z.boolean().default(false),
  policies: policiesSchema.default(policiesSchema.parse({})),
  /** What the order of its hosts is to spare: time, or moves of instances. */
  objective: z.enum(OBJECTIVES).default("fastest"),
  dialogue: dialogueSchema.default(dialogueSchema.parse({})),
  /** Why owners are given less notice than the operator promises; null = they are not. */
  emergency: z.string().min(1).max(200).nullable().default(null),
  reason: z.string().max(200).default(""),
  profile: z.enum(["production", "doctor"]).default("production"),
});
export type NewSession = z.infer<typeof newSessionSchema>;

/** What a profile says of the brakes where the request says nothing. */
const BRAKES = {
  production: { canary: true, soak_minutes: 10, reserve_hosts: 1 },
  doctor: { canary: false, soak_minutes: 0, reserve_hosts: 0 },
} as const;

/**
 * Why a session stands still: `operator` = somebody paused it, `breaker` = too much went wrong. It
 * goes on when an admin resumes it.
 */
const holdSchema = z.object({
  code: z.enum(["operator", "breaker"]),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
});
export type Hold = z.infer<typeof holdSchema>;

const overrideSchema = z.object({
  project_id: z.string(),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
});

/** Something a named human has to look at, and what happens if nobody does. */
const attentionSchema = z.object({
  code: z.string(),
  host: z.string().nullable(),
  instance: z.string().nullable(),
  /** The project that it is about, where it is about one. */
  project_id: z.string().optional(),
  since: z.string(),
  message: z.string(),
  what_happens_next: z.string(),
});
export type Attention = z.infer<typeof attentionSchema>;

/** What pre-flight saw on the hosts, and what becomes of it. */
const preflightSchema = z.object({
  /** So many of its hosts, in their order, have been looked at. */
  hosts_seen: z.int(),
  instances_total: z.int(),
  /** Instances by what becomes of them: `live`, `cold`, `offload`, `stay`, `stop_start`, `wait`, `blocked`. */
  by_class: z.record(z.string(), z.int()),
  /** On the hosts' own disks and to be copied from there, in GiB. */
  local_disk_gb: z.int(),
  /** The first of those that are not simply moved live, by name. */
  notes: z.array(
    z.object({
      host: z.string(),
      instance_id: z.string(),
      instance_name: z.string(),
      class: z.string(),
      why: z.string(),
    }),
  ),
  findings_total: z.int(),
  /** The first of what stops the session, until all hosts have been looked at. */
  findings: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })),
  /** What may become a problem, and stops nothing yet. */
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type PreflightSummary = z.infer<typeof preflightSchema>;

/**
 * A question of the whole session to its projects: that it will be, that room is short, or that it
 * is over. It lasts until each has answered, or had its time.
 */
const askingSchema = z.object({
  state: z.enum(["MAINTENANCE", "SCALE_IN", "MAINTENANCE_COMPLETE"]),
  /** The asks to wait for carry this id, whichever project they are to. */
  ask_id: z.string(),
  /** The first of those that are waited for; who else is, say the asks themselves. */
  project_ids: z.array(z.string()),
  /** How many are waited for; rows of before this field name them all. */
  projects_total: z.int().optional(),
  since: z.string(),
});
export type Asking = z.infer<typeof askingSchema>;

/** A session as stored: strict at the API edge, tolerant here, because a row carries its keys too. */
export const sessionSchema = newSessionSchema
  .omit({ state: true })
  .extend({
    maintenance_at: z.string(),
    // Rows of before these fields were there have no brakes.
    canary: z.boolean().default(false),
    soak_minutes: z.int().default(0),
    reserve_hosts: z.int().default(0),
    next_windows: z.array(z.object({ starts_at: z.string(), ends_at: z.string() })).default([]),
    schema: z.literal(1),
    session_id: z.uuid(),
    cloud: z.string(),
    region: z.string(),
    state: z.enum(SESSION_STATES),
    prev_state: z.enum(SESSION_STATES).nullable(),
    control: z.enum(["running", "paused", "aborting"]),
    holds: z.array(holdSchema).default([]),
    /** Who aborted it, when and why. */
    aborted: z
      .object({ by: z.string(), at: z.string(), reason: z.string() })
      .nullable()
      .default(null),
    /** When it was last resumed: what went wrong before does not trip the breaker again. */
    resumed_at: z.string().nullable().default(null),
    /** Projects whose word an admin has set aside: theirs are moved live without it. */
    overrides: z.array(overrideSchema).default([]),
    /** By host, when an admin last asked for its stuck instances to be tried anew. */
    retried: z.record(z.string(), z.string()).default({}),
    /** By model, the maintained host that was the first to take an instance, and when it did. */
    canaries: z
      .array(z.object({ model: z.string(), host: z.string(), at: z.string() }))
      .default([]),
    attention: z.array(attentionSchema),
    created_at: z.string(),
    created_by: z.string(),
    updated_at: z.string(),
    preflight_at: z.string().nullable(),
    /** Instances on its hosts when pre-flight looked. */
    instances_total: z.int().nullable(),
    preflight: preflightSchema.nullable().default(null),
    /** When the projects were told of it; from then on they are owed the word that it is over. */
    announced_at: z.string().nullable().default(null),
    /** What all projects of it are asked at the moment. */
    asking: askingSchema.nullable().default(null),
    /** When the projects had been told that it is over, and had their time. */
    completed_at: z.string().nullable().default(null),
    /** How often a host that had finished went on: its projects are told anew that it is over. */
    reopened: z.int().default(0),
    claimed_at: z.string().nullable(),
    closed_at: z.string().nullable(),
    /** Set by DELETE: no longer listed, kept for the audit. */
    hidden_at: z.string().nullable(),
    /** Counts the session's events; the newest event carries this number. */
    sequence: z.int(),
  })
  .strip();
export type Session = z.infer<typeof sessionSchema>;

type Opening = {
  readonly sessionId: string;
  readonly cloud: string;
  readonly region: string;
  readonly by: string;
  readonly now: string;
};

/** A session as it is first stored: waiting in MAINTENANCE until `maintenance_at`. */
export const openSession = (
  { state: _, hosts, ...request }: NewSession,
  { sessionId, cloud, region, by, now }: Opening,
): Session => ({
  ...request,
  canary: request.canary ?? BRAKES[request.profile].canary,
  soak_minutes: request.soak_minutes ?? BRAKES[request.profile].soak_minutes,
  reserve_hosts: request.reserve_hosts ?? BRAKES[request.profile].reserve_hosts,
  maintenance_at: request.maintenance_at ?? now,
  hosts: [...new Set(hosts)].toSorted(),
  schema: 1,
  session_id: sessionId,
  cloud,
  region,
  state: "MAINTENANCE",
  prev_state: null,
  control: "running",
  holds: [],
  aborted: null,
  resumed_at: null,
  overrides: [],
  retried: {},
  canaries: [],
  attention: [],
  created_at: now,
  created_by: by,
  updated_at: now,
  preflight_at: null,
  instances_total: null,
  preflight: null,
  announced_at: null,
  asking: null,
  completed_at: null,
  reopened: 0,
  claimed_at: null,
  closed_at: null,
  hidden_at: null,
  sequence: 1,
});

/** `control` as it follows from what was ordered: an abort is for good, and each hold is enough to pause. */
export const controlOf = ({
  aborted,
  holds,
}: Pick<Session, "aborted" | "holds">): Session["control"] =>
  aborted !== null ? "aborting" : holds.length > 0 ? "paused" : "running";

/** Whether nothing more will happen in the session by itself. */
export const isClosed = (session: Session): boolean => session.closed_at !== null;

/** Whether this is a step that failed and is tried again. */
export const isTrouble = ({ code }: Attention): boolean => code === "step_failed";

/** Whether this is the wait for a host that another session owns. */
export const isBlockedByOwner = ({ code }: Attention): boolean => code === "host_owned";

/** Whether pre-flight found something that only a changed request or cloud can cure. */
export const isBlocked = ({ claimed_at, attention }: Session): boolean =>
  claimed_at === null && attention.some(({ code }) => code === "preflight_blocked");
