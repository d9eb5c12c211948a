import * as z from "zod";
import { ApiError } from "./errors.ts";
import { type Api, pages, request } from "./request.ts";

/** What a project says about an instance, or about a group of them. */
export type ConstrainedKind = "instance" | "group";

const keptShape = {
  project_id: z.string(),
  updated_at: z.string(),
  /** What was not kept as it was sent; only in the answer to a write. */
  warnings: z
    .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
    .optional(),
};

const constraintsSchema = z.union([
  z.looseObject({
    ...keptShape,
    instance_id: z.string(),
    instance_name: z.string().nullish(),
    group_id: z.string().nullish(),
    lead_time: z.number(),
    max_interruption_time: z.number(),
    migration_type: z.string().nullish(),
  }),
  z.looseObject({
    ...keptShape,
    group_id: z.string(),
    group_name: z.string().nullish(),
    max_impacted_members: z.number(),
    recovery_time: z.number(),
  }),
]);
export type Constraints = z.infer<typeof constraintsSchema>;

const PATHS = { instance: "/v1/instance", group: "/v1/instance_group" };

const pathOf = (kind: ConstrainedKind, id: string): string =>
  `${PATHS[kind]}/${encodeURIComponent(id)}`;

const pageSchema = z.object({
  instances: z.array(constraintsSchema).default([]),
  instance_groups: z.array(constraintsSchema).default([]),
  next_cursor: z.string().nullish(),
});

/** Those of a project, by id; of the token's own unless told. */
export const listConstraints = (api: Api, kind: ConstrainedKind, project?: string) =>
  pages<Constraints>(async (cursor) => {
    const page = await request(api, PATHS[kind], pageSchema, { query: { project, cursor } });
    return {
      items: [...page.instances, ...page.instance_groups],
      next_cursor: page.next_cursor,
    };
  });

/** @throws ApiError with code "not_found" when the project has said nothing */
export const getConstraints = (
  api: Api,
  kind: ConstrainedKind,
  id: string,
  project?: string,
): Promise<Constraints> =>
  request(api, pathOf(kind, id), constraintsSchema, { query: { project } });

/** The same, null when the project has said nothing. */
export const findConstraints = async (
  api: Api,
  kind: ConstrainedKind,
  id: string,
): Promise<Constraints | null> => {
  try {
    return await getConstraints(api, kind, id);
  } catch (error) {
    if (error instanceof ApiError && error.code === "not_found") return null;
    throw error;
  }
};

/** Replaces the whole. */
export const putConstraints = (
  api: Api,
  kind: ConstrainedKind,
  id: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Constraints> =>
  request(api, pathOf(kind, id), constraintsSchema, { method: "PUT", body });

/** It is no error when there are none. */
export const deleteConstraints = async (
  api: Api,
  kind: ConstrainedKind,
  id: string,
): Promise<void> => {
  await request(api, pathOf(kind, id), z.looseObject({}), { method: "DELETE", repeatable: true });
};
