import { randomUUID } from "node:crypto";
import * as z from "zod";
import { type Api, pages, request } from "./request.ts";

const attentionSchema = z.looseObject({
  code: z.string(),
  host: z.string().nullable(),
  instance: z.string().nullable(),
  project_id: z.string().optional(),
  since: z.string(),
  message: z.string(),
  what_happens_next: z.string(),
});
export type Attention = z.infer<typeof attentionSchema>;

/** Why a session stands still: somebody paused it (`operator`), or too much went wrong (`breaker`). */
const holdSchema = z.looseObject({
  code: z.string(),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
});

const abortedSchema = z.looseObject({ by: z.string(), at: z.string(), reason: z.string() });

/** What all projects of a session are being asked. */
const askingSchema = z.looseObject({
  state: z.string(),
  /** The first of them; `projects_total` counts all. */
  project_ids: z.array(z.string()),
  projects_total: z.int(),
  since: z.string(),
  reply_at: z.string(),
});

/** What a session's control is and came to; null `result` = it is not over. */
const controlFields = {
  control: z.string(),
  holds: z.array(holdSchema).default([]),
  aborted: abortedSchema.nullish(),
  result: z.string().nullish(),
};

const summarySchema = z.looseObject({
  session_id: z.string(),
  state: z.string(),
  control: z.string(),
  result: z.string().nullish(),
  percent_done: z.number(),
  maintenance_at: z.string(),
  reason: z.string().nullish(),
  hosts: z.number(),
  created_at: z.string(),
});
export type SessionSummary = z.infer<typeof summarySchema>;

/** The session as an order to it is answered with. */
const sessionSchema = z.looseObject({
  session_id: z.string(),
  state: z.string(),
  ...controlFields,
  percent_done: z.number(),
  maintenance_at: z.string(),
  attention: z.array(attentionSchema),
});
export type Session = z.infer<typeof sessionSchema>;

const hostRunSchema = z.looseObject({
  hostname: z.string(),
  phase: z.string(),
  outcome: z.string().nullish(),
  instances_total: z.number().nullish(),
  instances_left: z.number().nullish(),
  started_at: z.string().nullish(),
  finished_at: z.string().nullish(),
  /** Whether Lull has it out of scheduling, or has left it so for a human. */
  disabled: z.boolean().nullish(),
  /** When its phase began. */
  phase_at: z.string().nullish(),
  work_started_at: z.string().nullish(),
  work_ended_at: z.string().nullish(),
  /** Why nothing is begun on it now. */
  standstill: z.string().nullish(),
  /** The hypervisor's, before the work. */
  hypervisor_version: z.number().nullish(),
  /** Ids of instances that stay on it, and of those that were stopped there for the work. */
  staying: z.array(z.string()).default([]),
  stopped: z.array(z.string()).default([]),
  /** What on it stopped the session, such as an instance that a move left in ERROR. */
  alarm: z.looseObject({ at: z.string(), why: z.string() }).nullish(),
  details: z.string().nullish(),
});
export type HostRun = z.infer<typeof hostRunSchema>;

const refusalSchema = z.looseObject({
  host: z.string(),
  at: z.string(),
  times: z.number(),
  why: z.string(),
});

const instanceSchema = z.looseObject({
  instance_id: z.string(),
  instance_name: z.string().nullish(),
  project_id: z.string().nullish(),
  host: z.string().nullish(),
  destination_host: z.string().nullish(),
  state: z.string(),
  action: z.string().nullish(),
  tries: z.number().nullish(),
  /** Targets that Nova would not take it to, in Nova's words. */
  refusals: z.array(refusalSchema).default([]),
  /** Its owner or an admin ended its move. */
  vetoed: z.boolean().nullish(),
  started_at: z.string().nullish(),
  finished_at: z.string().nullish(),
  details: z.string().nullish(),
});
export type Instance = z.infer<typeof instanceSchema>;

const planSchema = z.looseObject({
  made_at: z.string().nullish(),
  ends_at: z.string().nullish(),
  /** The next hosts, in their order. */
  next: z.array(z.string()),
  /** What the first of them waits for by the plan: others to be done, but no longer than until then. */
  wait: z.object({ others: z.number(), until: z.string() }).nullish(),
  failed: z.string().nullish(),
});

const detailSchema = z.looseObject({
  session_id: z.string(),
  percent_done: z.number(),
  ...controlFields,
  /** What stays changed in the cloud although the session was aborted, in words. */
  stays_changed: z.array(z.string()).default([]),
  attention: z.array(attentionSchema),
  /** Null while none of them is asked for the session as a whole. */
  asking: askingSchema.nullish(),
  session: z.looseObject({
    state: z.string(),
    /** When pre-flight looked; null until it has. */
    preflight_at: z.string().nullish(),
    instances_total: z.number().nullish(),
    maintenance_at: z.string(),
    ends_at: z.string().nullish(),
    reason: z.string().nullish(),
    profile: z.string().nullish(),
    created_at: z.string(),
    created_by: z.string().nullish(),
    updated_at: z.string().nullish(),
    closed_at: z.string().nullish(),
    max_parallel_hosts: z.number().nullish(),
    reserve_hosts: z.number().nullish(),
    workflow: z.string().nullish(),
    dialogue: z.record(z.string(), z.unknown()).nullish(),
    emergency: z.string().nullish(),
    next_windows: z
      .array(z.looseObject({ starts_at: z.string(), ends_at: z.string() }))
      .default([]),
  }),
  /** The plan that it follows; null before there is one, or when one host is all there is to do. */
  plan: planSchema.nullish(),
  hosts: z.array(hostRunSchema),
  instances: z.array(instanceSchema),
});
export type SessionDetail = z.infer<typeof detailSchema>;

const eventSchema = z.looseObject({
  type: z.string(),
  at: z.string(),
  sequence: z.number(),
  detail: z.looseObject({}),
});
export type SessionEvent = z.infer<typeof eventSchema>;

/** `fastest`: done soonest; `fewest_moves`: hardly an instance moves twice, and it takes longer. */
export const OBJECTIVES = ["fastest", "fewest_moves"] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** Body of POST /v1/maintenance. Instants are RFC 3339. */
export type NewMaintenance = {
  readonly hosts: readonly string[];
  /** Absent = now, by the clock of the service. */
  readonly maintenance_at?: string;
  readonly ends_at?: string;
  readonly workflow?: "default" | "vnf";
  /** How owners are talked with, e.g. `{ reply_seconds: 60, refused: "skip" }`. */
  readonly dialogue?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly actions?: readonly {
    readonly plugin: string;
    readonly metadata: Readonly<Record<string, string | number>>;
  }[];
  readonly targets?: readonly string[];
  readonly max_parallel_hosts?: number;
  readonly max_parallel_per?: Readonly<Record<string, number>>;
  readonly canary?: boolean;
  readonly soak_minutes?: number;
  readonly reserve_hosts?: number;
  readonly cordon_ahead?: number;
  readonly host_minutes?: number;
  readonly next_windows?: readonly { readonly starts_at: string; readonly ends_at: string }[];
  readonly accept_duties?: boolean;
  readonly force_complete?: boolean;
  readonly retire?: boolean;
  readonly objective?: Objective;
  readonly policies?: Readonly<Record<string, string>>;
  readonly emergency?: string;
  readonly reason?: string;
  readonly profile?: string;
};

/**
 * Opens a session. A lost answer is asked for again under the same idempotency key, so that there
 * is one session whatever the network does.
 *
 * @returns the session's id
 * @throws ApiError with status 422 and findings when something stands in the way already
 */
export const createMaintenance = async (
  api: Api,
  body: NewMaintenance,
  idempotencyKey: string = randomUUID(),
): Promise<string> => {
  const reply = await request(api, "/v1/maintenance", z.object({ session_id: z.string() }), {
    method: "POST",
    body,
    idempotencyKey,
  });
  return reply.session_id;
};

/** Every session that is not hidden, page by page. */
export const listMaintenance = (api: Api) =>
  pages<SessionSummary>(async (cursor) => {
    const page = await request(
      api,
      "/v1/maintenance",
      z.object({ maintenance: z.array(summarySchema), next_cursor: z.string().nullish() }),
      { query: { cursor } },
    );
    return { items: page.maintenance, next_cursor: page.next_cursor };
  });

const pathOf = (id: string) => `/v1/maintenance/${encodeURIComponent(id)}`;

/** A session with its hosts and instances. @throws ApiError with code "not_found" */
export const getMaintenanceDetail = (api: Api, id: string): Promise<SessionDetail> =>
  request(api, `${pathOf(id)}/detail`, detailSchema);

/** What has happened in a session, oldest first, page by page. */
export const listMaintenanceEvents = (api: Api, id: string) =>
  pages<SessionEvent>(async (cursor) => {
    const page = await request(
      api,
      `${pathOf(id)}/events`,
      z.object({ events: z.array(eventSchema), next_cursor: z.string().nullish() }),
      { query: { cursor } },
    );
    return { items: page.events, next_cursor: page.next_cursor };
  });

/** Makes a session stand still until it is resumed: what is under way is seen to its end. */
export const pauseMaintenance = (api: Api, id: string, reason: string): Promise<Session> =>
  order(api, `${pathOf(id)}/pause`, { reason });

/** Lets a session go on, whoever or whatever had paused it. */
export const resumeMaintenance = (api: Api, id: string, reason?: string): Promise<Session> =>
  order(api, `${pathOf(id)}/resume`, reasonOf(reason));

const order = (api: Api, path: string, body: object): Promise<Session> =>
  request(api, path, sessionSchema, { method: "POST", body, repeatable: true });

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason });

const abortedSessionSchema = sessionSchema.extend({ stays_changed: z.array(z.string()) });
export type AbortedSession = z.infer<typeof abortedSessionSchema>;

/**
 * Ends a session for good: hosts whose work has not begun are given back.
 *
 * @returns the session, and in words what stays changed in the cloud
 */
export const abortMaintenance = (api: Api, id: string, reason: string): Promise<AbortedSession> =>
  request(api, `${pathOf(id)}/abort`, abortedSessionSchema, {
    method: "POST",
    body: { reason },
    repeatable: true,
  });

const effectSchema = z.looseObject({
  effect: z.string(),
  request_id: z.string(),
  at: z.string(),
  instance_id: z.string().nullable(),
  target: z.string().nullable(),
  outcome: z.string().nullable(),
  details: z.string().nullable(),
});
export type Effect = z.infer<typeof effectSchema>;

/** What the newest run of a host has done to the cloud, the oldest first. */
export const listEffects = async (
  api: Api,
  id: string,
  host: string,
): Promise<readonly Effect[]> => {
  const schema = z.object({ effects: z.array(effectSchema) });
  return (await request(api, `${hostPath(id, host)}/effects`, schema)).effects;
};

const hostPath = (id: string, host: string) => `${pathOf(id)}/hosts/${encodeURIComponent(host)}`;

/**
 * Starts a host over that failed or was given back, or has the stuck instances of one that is being
 * emptied tried anew. Not repeated by itself: the second call would find the host at work.
 *
 * @throws ApiError with code "conflict" when the host is neither
 */
export const retryHost = (api: Api, id: string, host: string, reason?: string): Promise<Session> =>
  request(api, `${hostPath(id, host)}/retry`, sessionSchema, {
    method: "POST",
    body: reasonOf(reason),
  });

/**
 * Says that the work on the host is done: ends the action that runs, or has a host that failed
 * checked and put back.
 *
 * @throws ApiError with code "conflict" when there is nothing to release
 */
export const releaseHost = (
  api: Api,
  id: string,
  host: string,
  reason?: string,
): Promise<Session> =>
  request(api, `${hostPath(id, host)}/release`, sessionSchema, {
    method: "POST",
    body: reasonOf(reason),
  });

/**
 * Sets the word of a project aside: its instances are moved live without it.
 *
 * @throws ApiError with code "forbidden" to who opened the session
 */
export const overrideProject = (
  api: Api,
  id: string,
  project: string,
  reason: string,
): Promise<Session> =>
  order(api, `${pathOf(id)}/projects/${encodeURIComponent(project)}/override`, { reason });

/** Aborts a running session; hides a finished one. Not repeated by itself: the second call would hide. */
export const deleteMaintenance = async (api: Api, id: string): Promise<void> => {
  await request(api, pathOf(id), z.unknown(), { method: "DELETE" });
};
