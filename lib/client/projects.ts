import * as z from "zod";
import { type Api, pages, request } from "./request.ts";

/** A session as a project sees it: nothing of hosts, nor of others. */
const projectSessionSchema = z.looseObject({
  session_id: z.string(),
  state: z.string(),
  maintenance_at: z.string(),
  ends_at: z.string().nullish(),
  instances_by_state: z.record(z.string(), z.number()).default({}),
  created_at: z.string(),
});
export type ProjectSession = z.infer<typeof projectSessionSchema>;

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

const viewSchema = z.object({
  instances: z.array(projectInstanceSchema),
  next_cursor: z.string().nullish(),
});

/** A project's instances in a session. @throws ApiError with code "not_found" when it has none */
export const listProjectInstances = (api: Api, id: string, project: string) =>
  pages<ProjectInstance>(async (cursor) => {
    const path = `/v1/maintenance/${encodeURIComponent(id)}/${encodeURIComponent(project)}`;
    const page = await request(api, path, viewSchema, { query: { cursor } });
    return { items: page.instances, next_cursor: page.next_cursor };
  });
