import * as z from "zod";
import type { Settings } from "../config.ts";
import {
  constrainedIdSchema,
  type GroupConstraints,
  type InstanceConstraints,
  type Read,
  type Writing,
} from "../domain/constraints.ts";
import { NotFoundError } from "../domain/errors.ts";
import { projectIdSchema } from "../domain/project-view.ts";
import {
  type ApiRequest,
  ownProject,
  parseBody,
  parseQuery,
  pathParameter,
  projectToShow,
  type Reply,
} from "../lambda/api.ts";
import { logger } from "../lambda/logger.ts";
import type { ConstraintRows } from "../store/constraints.ts";

const bodySchema = z.record(z.string(), z.unknown());

const projectSchema = z.strictObject({ project: projectIdSchema.optional() });
const pageSchema = projectSchema.extend({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

type Resource<T> = {
  /** The part of the path that names one, and what a list of them is called. */
  readonly parameter: string;
  readonly listed: string;
  readonly rows: ConstraintRows<T>;
  readonly read: (body: Readonly<Record<string, unknown>>, writing: Writing) => Read<T>;
  /** Throws unless the caller may say something about it. */
  readonly check: (request: ApiRequest, id: string, projectId: string) => Promise<void>;
};

/** The operations on one kind of constraints: whoever writes, it is kept as its token's project's. */
export const constraintOperations = <T extends InstanceConstraints | GroupConstraints>(
  settings: Settings,
  { parameter, listed, rows, read, check }: Resource<T>,
) => {
  const caps = {
    lead_time: settings.LULL_MAX_LEAD_SECONDS,
    max_interruption_time: settings.LULL_MAX_INTERRUPTION_SECONDS,
    recovery_time: settings.LULL_MAX_RECOVERY_SECONDS,
  };
  const idOf = ({ params }: ApiRequest): string =>
    pathParameter(params[parameter], constrainedIdSchema);

  return {
    /** PUT: replaces the whole. The answer is what is kept, and in `warnings` what was read otherwise. */
    async put(request: ApiRequest): Promise<Reply> {
      const id = idOf(request);
      const project_id = ownProject(request);
      const body = parseBody(bodySchema, request);
      const { constraints, warnings } = read(body, { id, project_id, now: request.now, caps });
      await check(request, id, project_id);
      await rows.put(constraints, settings.LULL_MAX_CONSTRAINTS);
      if (warnings.length > 0)
        logger.info("constraints were not kept as sent", { project_id, id, warnings });
      return { status: 200, body: { ...shown(constraints), warnings } };
    },

    async show(request: ApiRequest): Promise<Reply> {
      const id = idOf(request);
      const { project } = parseQuery(projectSchema, request);
      const row = await rows.get(id, projectToShow(request, project));
      if (row === null) throw new NotFoundError("the project has said nothing about it");
      return { status: 200, body: shown(row) };
    },

    async list(request: ApiRequest): Promise<Reply> {
      const { project, limit, cursor = null } = parseQuery(pageSchema, request);
      const projectId = projectToShow(request, project);
      const page = await rows.list(projectId, limit, cursor);
      return {
        status: 200,
        body: {
          project_id: projectId,
          [listed]: page.constraints.map(shown),
          next_cursor: page.cursor,
        },
      };
    },

    /**
     * DELETE: always 200, in any order and as often as one likes. Doctor stops at the first other
     * answer and leaves the rest; Tacker deletes a group before its members.
     */
    async remove(request: ApiRequest): Promise<Reply> {
      const projectId = ownProject(request);
      const id = constrainedIdSchema.safeParse(request.params[parameter]);
      if (id.success) await rows.delete(id.data, projectId);
      return { status: 200, body: {} };
    },
  };
};

const shown = ({ schema: _, ...constraints }: InstanceConstraints | GroupConstraints) =>
  constraints;
