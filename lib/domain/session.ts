import * as z from "zod";
import { hostNameSchema } from "./device.ts";
import { instantSchema } from "./instant.ts";

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

/** Body of POST /v1/maintenance: Fenix v1 plus our fields; see the API table of the README. */
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
  reason: z.string().max(200).default(""),
  profile: z.enum(["production", "doctor"]).default("production"),
});
export type NewSession = z.infer<typeof newSessionSchema>;

/** Something a named human has to look at, and what happens if nobody does. */
const attentionSchema = z.object({
  code: z.string(),
  host: z.string().nullable(),
  instance: z.string().nullable(),
  since: z.string(),
  message: z.string(),
  what_happens_next: z.string(),
});
export type Attention = z.infer<typeof attentionSchema>;

/** A session as stored: strict at the API edge, tolerant here, because a row carries its keys too. */
export const sessionSchema = newSessionSchema
  .omit({ state: true })
  .extend({
    maintenance_at: z.string(),
    schema: z.literal(1),
    session_id: z.uuid(),
    cloud: z.string(),
    region: z.string(),
    state: z.enum(SESSION_STATES),
    prev_state: z.enum(SESSION_STATES).nullable(),
    control: z.enum(["running", "paused", "aborting"]),
    attention: z.array(attentionSchema),
    created_at: z.string(),
    created_by: z.string(),
    updated_at: z.string(),
    preflight_at: z.string().nullable(),
    /** Instances on its hosts when pre-flight looked. */
    instances_total: z.int().nullable(),
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
  maintenance_at: request.maintenance_at ?? now,
  hosts: [...new Set(hosts)].toSorted(),
  schema: 1,
  session_id: sessionId,
  cloud,
  region,
  state: "MAINTENANCE",
  prev_state: null,
  control: "running",
  attention: [],
  created_at: now,
  created_by: by,
  updated_at: now,
  preflight_at: null,
  instances_total: null,
  claimed_at: null,
  closed_at: null,
  hidden_at: null,
  sequence: 1,
});

/** Whether nothing more will happen in the session by itself. */
export const isClosed = (session: Session): boolean => session.closed_at !== null;

/** Whether this is a step that failed and is tried again. */
export const isTrouble = ({ code }: Attention): boolean => code === "step_failed";

/** Whether this is the wait for a host that another session owns. */
export const isBlockedByOwner = ({ code }: Attention): boolean => code === "host_owned";
