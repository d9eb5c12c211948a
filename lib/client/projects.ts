import * as z from "zod";
import { type Api, pages, request } from "./request.ts";

const sessionShape = {
  session_id: z.string(),
  state: z.string(),
  maintenance_at: z.string(),
  ends_at: z.string().nullish(),
  /** By when the project should answer; null = nothing waits for an answer of it. */
  reply_at: z.string().nullish(),
  instances_by_state: z.record(z.string(), z.number()).default({}),
  /** When an admin set the project's word aside. */
  overridden_at: z.string().nullish(),
  created_at: z.string(),
};

/** A session as a project sees it: nothing of hosts, nor of others. */
const projectSessionSchema = z.looseObject(sessionShape);
export type ProjectSession = z.infer<typeof projectSessionSchema>;

/** A question to the project that it may still answer. */
const askSchema = z.looseObject({
  state: z.string(),
  instance_ids: z.array(z.string()),
  /** Empty where there is nothing to choose. */
  allowed_actions: z.array(z.string()),
  asked_at: z.string(),
  reply_at: z.string(),
  actions_at: z.string().nullish(),
  /** With SCALE_IN, how much room is missing, by resource. */
  missing: z.record(z.string(), z.number()).nullish(),
  answer: z
    .looseObject({
      state: z.string(),
      at: z.string(),
      instance_actions: z.record(z.string(), z.string()).default({}),
      reason: z.string().nullish(),
      not_before: z.string().nullish(),
    })
    .nullish(),
});
export type ProjectAsk = z.infer<typeof askSchema>;

const projectInstanceSchema = z.looseObject({
  instance_id: z.string(),
  instance_name: z.string().nullish(),
  action: z.string().nullish(),
  state: z.string(),
  /** Nova's word to the project for the host that it has to leave, or has left. */
  hostId: z.string(),
  started_at: z.string().nullish(),
  finished_at: z.string().nullish(),
});
export type ProjectInstance = z.infer<typeof projectInstanceSchema>;

const listSchema = z.object({
  /** Whose sessions they are; a reader of the fleet who named no project got everybody's. */
  project_id: z.string().optional(),
  maintenance: z.array(projectSessionSchema),
  next_cursor: z.string().nullish(),
});

/**
 * The project that the API takes the caller for.
 *
 * @returns undefined for a reader of the whole fleet
 */
export const ownProject = async (api: Api): Promise<string | undefined> =>
  (await request(api, "/v1/maintenance", listSchema, { query: { limit: 1 } })).project_id;

/** The sessions that concern a project, the newest first. @throws ApiError with code "forbidden" */
export const listProjectMaintenance = (api: Api, project: string) =>
  pages<ProjectSession>(async (cursor) => {
    const query = { project, cursor };
    const page = await request(api, "/v1/maintenance", listSchema, { query });
    return { items: page.maintenance, next_cursor: page.next_cursor };
  });

const viewSchema = z.looseObject({
  ...sessionShape,
  asks: z.array(askSchema).default([]),
  instances: z.array(projectInstanceSchema),
  next_cursor: z.string().nullish(),
});
export type ProjectView = z.infer<typeof viewSchema>;

const pathOf = (id: string, project: string): string =>
  `/v1/maintenance/${encodeURIComponent(id)}/${encodeURIComponent(project)}`;

/**
 * A project's whole view of a session: what it is asked, and all its instances.
 *
 * @throws ApiError with code "not_found" when the session does not concern it
 */
export const getProjectMaintenance = async (
  api: Api,
  id: string,
  project: string,
): Promise<ProjectView> => {
  const page = (cursor?: string) =>
    request(api, pathOf(id, project), viewSchema, { query: { cursor } });
  let view = await page();
  while (view.next_cursor) {
    const more = await page(view.next_cursor);
    view = { ...more, instances: [...view.instances, ...more.instances] };
  }
  return view;
};

/** A project's answer: `state` is ACK_ or NACK_ and the state that it was asked in. */
export type NewReply = {
  readonly state: string;
  readonly instance_actions?: Readonly<Record<string, string>>;
  readonly reason?: string;
  /** With a refusal: when it would suit better; RFC 3339. */
  readonly not_before?: string;
};

const takenSchema = z.looseObject({
  state: z.string(),
  /** Whether the answer stands. */
  applied: z.boolean(),
  /** It was asked, and what was heard until then has been acted upon. */
  too_late: z.boolean(),
});
export type TakenReply = z.infer<typeof takenSchema>;

/**
 * Answers all that the project is being asked in that state, or only what is about one instance.
 *
 * @throws ApiError with status 422 when an action is not allowed
 */
export const putReply = (
  api: Api,
  { id, project, instance }: { id: string; project: string; instance: string | null },
  reply: NewReply,
): Promise<TakenReply> => {
  const path = pathOf(id, project);
  const where = instance === null ? path : `${path}/${encodeURIComponent(instance)}`;
  return request(api, where, takenSchema, { method: "PUT", body: reply });
};
