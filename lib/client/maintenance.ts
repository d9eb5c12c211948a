import { randomUUID } from "node:crypto";
import * as z from "zod";
import { type Api, pages, request } from "./request.ts";

const attentionSchema = z.looseObject({
  code: z.string(),
  host: z.string().nullable(),
  instance: z.string().nullable(),
  since: z.string(),
  message: z.string(),
  what_happens_next: z.string(),
});
export type Attention = z.infer<typeof attentionSchema>;

const summarySchema = z.looseObject({
  session_id: z.string(),
  state: z.string(),
  control: z.string(),
  percent_done: z.number(),
  maintenance_at: z.string(),
  reason: z.string().nullish(),
  hosts: z.number(),
  created_at: z.string(),
});
export type SessionSummary = z.infer<typeof summarySchema>;

const hostRunSchema = z.looseObject({
  hostname: z.string(),
  phase: z.string(),
  outcome: z.string().nullish(),
  instances_total: z.number().nullish(),
  instances_left: z.number().nullish(),
  started_at: z.string().nullish(),
  finished_at: z.string().nullish(),
  details: z.string().nullish(),
});
export type HostRun = z.infer<typeof hostRunSchema>;

const instanceSchema = z.looseObject({
  instance_id: z.string(),
  instance_name: z.string().nullish(),
  project_id: z.string().nullish(),
  host: z.string().nullish(),
  destination_host: z.string().nullish(),
  state: z.string(),
  details: z.string().nullish(),
});

const detailSchema = z.looseObject({
  session_id: z.string(),
  percent_done: z.number(),
  control: z.string(),
  attention: z.array(attentionSchema),
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
    updated_at: z.string().nullish(),
  }),
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

/** Body of POST /v1/maintenance. Instants are RFC 3339. */
export type NewMaintenance = {
  readonly hosts: readonly string[];
  /** Absent = now, by the clock of the service. */
  readonly maintenance_at?: string;
  readonly ends_at?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly actions?: readonly {
    readonly plugin: string;
    readonly metadata: Readonly<Record<string, string | number>>;
  }[];
  readonly targets?: readonly string[];
  readonly max_parallel_hosts?: number;
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

/** Ends a hold: says that the work on the host is done, so that it is checked and put back. */
export const releaseHost = async (api: Api, id: string, host: string): Promise<void> => {
  await request(api, `${pathOf(id)}/hosts/${encodeURIComponent(host)}/release`, z.unknown(), {
    method: "POST",
  });
};

/** Aborts a running session; hides a finished one. Not repeated by itself: the second call would hide. */
export const deleteMaintenance = async (api: Api, id: string): Promise<void> => {
  await request(api, pathOf(id), z.unknown(), { method: "DELETE" });
};
