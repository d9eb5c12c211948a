import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { admit } from "../../lib/control/admit.ts";
import { hostOrders } from "../../lib/control/host-orders.ts";
import { idempotencyOf, madeBefore } from "../../lib/control/idempotency.ts";
import { projectViews } from "../../lib/control/project-views.ts";
import { replies } from "../../lib/control/replies.ts";
import { sessionOrders } from "../../lib/control/session-orders.ts";
import {
  abort,
  hide,
  type Order,
  override,
  pause,
  resume,
  staysChanged,
} from "../../lib/domain/control.ts";
import { hostNameSchema } from "../../lib/domain/device.ts";
import { replySchema } from "../../lib/domain/dialogue/reply.ts";
import { effectsOf } from "../../lib/domain/effects.ts";
import { ConflictError, ForbiddenError } from "../../lib/domain/errors.ts";
import { maintenanceOverride } from "../../lib/domain/events/maintenance-override.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { projectIdSchema } from "../../lib/domain/project-view.ts";
import { isClosed, newSessionSchema, type Session } from "../../lib/domain/session.ts";
import { detailOf, summaryOf } from "../../lib/domain/session-view.ts";
import {
  ADMINS,
  type ApiRequest,
  api,
  BRAKEMEN,
  checkProject,
  mayReadFleet,
  parseBody,
  parseOptionalBody,
  parseQuery,
  pathParameter,
  READERS,
  type Reply,
  VIEWERS,
  WRITERS,
} from "../../lib/lambda/api.ts";
import { agendaStore } from "../../lib/store/agendas.ts";
import { freezeStore } from "../../lib/store/freeze.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { findIdempotency, putIdempotency } from "../../lib/store/idempotency.ts";
import { intentStore } from "../../lib/store/intents.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { keys, openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const sessions = sessionStore(table);
const hostRuns = hostRunStore(table);
const moves = moveStore(table);
const agendas = agendaStore(table);
const intents = intentStore(table);
const freeze = freezeStore(table);
const sessionProjects = sessionProjectStore(table);
const events = outbox(table);
const orders = sessionOrders(table);
const { retry, release } = hostOrders(table);
const views = projectViews(table);
const answers = replies(table);
const admitted = admit(settings, hostStore(table));

const pageSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

const listSchema = pageSchema.extend({ project: projectIdSchema.optional() });

const reasonSchema = z.strictObject({ reason: z.string().min(1).max(200) });
const perhapsReasonSchema = z.strictObject({ reason: z.string().max(200).optional() });

/** Finished and deleted: kept for the audit, no longer listed. */
const isHidden = (session: Session): boolean => session.hidden_at !== null && isClosed(session);

const sessionIdOf = ({ params }: ApiRequest): string =>
  pathParameter(params["session_id"], z.uuid());

/**
 * POST /v1/maintenance. Nothing is asked of the cloud yet: pre-flight is the session's first step.
 * The same Idempotency-Key with the same body is the same session.
 */
const createSession = async (request: ApiRequest): Promise<Reply> => {
  const body = parseBody(newSessionSchema, request);
  const use = idempotencyOf(request);
  const before = use && (await findIdempotency(table, use, request.now));
  if (use && before)
    return { status: 200, body: { session_id: madeBefore(before, use, "session_id") } };

  const { now, principal } = request;
  const session = await admitted({ body, by: principal?.name ?? "", now });
  const { session_id } = session;
  const remember = use ? [putIdempotency(table, use, { session_id }, request.now)] : [];
  try {
    await sessions.open(session, maintenanceSession(session, 0, request.now), remember);
  } catch (error) {
    const winner = use && (await findIdempotency(table, use, request.now));
    if (!(error instanceof ConflictError) || !use || !winner) throw error;
    return { status: 200, body: { session_id: madeBefore(winner, use, "session_id") } };
  }
  return { status: 200, body: { session_id } };
};

/** GET /v1/maintenance: every session, or those that concern one project as that project sees them. */
const listSessions = async (request: ApiRequest): Promise<Reply> => {
  const { limit, cursor = null, project } = parseQuery(listSchema, request);
  const own = mayReadFleet(request) ? null : (request.principal?.projectId ?? null);
  const projectId = project ?? own;
  if (projectId === null) return listFleet(limit, cursor);
  checkProject(request, projectId);
  return { status: 200, body: await views.list(projectId, { limit, cursor }) };
};

const listFleet = async (limit: number, cursor: string | null): Promise<Reply> => {
  const page = await sessions.list(limit, cursor);
  const listed = page.sessions.filter((session) => !isHidden(session));
  const ids = listed.map(({ session_id }) => session_id);
  const maintenance = await Promise.all(
    listed.map(async (session) => summaryOf(session, await hostRuns.list(session.session_id))),
  );
  // Fenix's code says `sessions`, its documents say `session_id`: both are answered.
  return {
    status: 200,
    body: { sessions: ids, session_id: ids, maintenance, next_cursor: page.cursor },
  };
};

const showSession = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: await orders.view(await sessions.get(sessionIdOf(request))),
});

const showDetail = async (request: ApiRequest): Promise<Reply> => {
  const sessionId = sessionIdOf(request);
  // The session first: one that is over must not be shown with hosts as they were before its end.
  const session = await sessions.get(sessionId);
  const [runs, moved, frozen, agenda] = await Promise.all([
    hostRuns.list(sessionId),
    moves.list(sessionId),
    freeze.get(),
    agendas.get(sessionId),
  ]);
  return {
    status: 200,
    body: detailOf(session, runs, moved, frozen, { agenda, now: request.now }),
  };
};

/** Fenix's path of a project in a session: what the project may see of it. */
const showProject = async (request: ApiRequest): Promise<Reply> => {
  const projectId = pathParameter(request.params["project_id"], projectIdSchema);
  checkProject(request, projectId);
  const { limit, cursor = null } = parseQuery(pageSchema, request);
  return {
    status: 200,
    body: await views.session(sessionIdOf(request), projectId, { limit, cursor }),
  };
};

/** A project's reply, of all its instances that were asked about or of the one in the path. */
const takeReply = async (request: ApiRequest): Promise<Reply> => {
  const { params, principal, now } = request;
  const projectId = pathParameter(params["project_id"], projectIdSchema);
  if (principal?.projectId !== projectId)
    throw new ForbiddenError("only a token of the project itself answers for it");
  const taken = await answers.take(parseBody(replySchema, request), {
    sessionId: sessionIdOf(request),
    projectId,
    instance: "instance_id" in params ? pathParameter(params["instance_id"], z.uuid()) : null,
    by: principal.name,
    now,
  });
  return { status: 200, body: taken };
};

const listEvents = async (request: ApiRequest): Promise<Reply> => {
  const { limit, cursor } = parseQuery(pageSchema, request);
  const { session_id } = await sessions.get(sessionIdOf(request));
  const page = await events.list(keys.session(session_id).PK, limit, cursor ?? null);
  return {
    status: 200,
    body: {
      events: page.events.map(({ type, at, entity, sequence, detail }) => ({
        type,
        at,
        entity,
        sequence,
        detail,
      })),
      next_cursor: page.cursor,
    },
  };
};

/** An order to the session, and the session as it is then. */
const ordering =
  (
    what: "pause" | "resume",
    bodySchema: typeof reasonSchema | typeof perhapsReasonSchema,
    decide: Decide,
  ) =>
  async (request: ApiRequest): Promise<Reply> => {
    const { reason } = parseOptionalBody(bodySchema, request);
    const order = { ...orderOf(request, reason), what };
    const session = await orders.give(sessionIdOf(request), order, decide);
    return { status: 200, body: await orders.view(session) };
  };

type Decide = Parameters<typeof orders.give>[2];

const orderOf = ({ principal, now }: ApiRequest, reason = ""): Order => ({
  by: principal?.name ?? "",
  at: now,
  reason,
});

/**
 * A second admin sets the word of a project aside. The project is told, if the session concerns it:
 * of others' sessions it learns nothing, whatever id was typed.
 */
const overrideProject = async (request: ApiRequest): Promise<Reply> => {
  const { reason } = parseBody(reasonSchema, request);
  const session_id = sessionIdOf(request);
  const project_id = pathParameter(request.params["project_id"], projectIdSchema);
  const order = { ...orderOf(request, reason), what: "override", project_id } as const;
  const isConcerned = (await sessionProjects.get(session_id, project_id)) !== null;
  const told = { projectId: project_id, at: order.at, publicUrl: settings.LULL_PUBLIC_URL };
  const tells = isConcerned ? [maintenanceOverride({ session_id }, told)] : [];
  const session = await orders.give(session_id, order, override(project_id), tells);
  return { status: 200, body: await orders.view(session) };
};

/** The answer says what stays changed in the cloud: nothing that has moved is moved back. */
const abortSession = async (request: ApiRequest): Promise<Reply> => {
  const { reason } = parseOptionalBody(reasonSchema, request);
  const order = { ...orderOf(request, reason), what: "abort" } as const;
  const session = await orders.give(sessionIdOf(request), order, abort);
  const { session_id } = session;
  const [view, runs, moved] = await Promise.all([
    orders.view(session),
    hostRuns.list(session_id),
    moves.list(session_id),
  ]);
  return { status: 200, body: { ...view, stays_changed: staysChanged(session, runs, moved) } };
};

/** What the newest run of a host has done to the cloud, and under which request ids. */
const listEffects = async (request: ApiRequest): Promise<Reply> => {
  const host = pathParameter(request.params["host"], hostNameSchema);
  const run = await hostRuns.get(sessionIdOf(request), host);
  const made = run.run_id === null ? [] : await intents.list(run.run_id);
  return { status: 200, body: effectsOf(run, made) };
};

/** DELETE: a running session is aborted, which gives back what has not been worked on. */
const deleteSession = async (request: ApiRequest): Promise<Reply> => {
  const order = { ...orderOf(request, "deleted"), what: "delete" } as const;
  await orders.give(sessionIdOf(request), order, hide);
  return { status: 200, body: {} };
};

/** An order to one host of the session. */
const orderingHost =
  (give: typeof retry) =>
  async (request: ApiRequest): Promise<Reply> => {
    const { reason } = parseOptionalBody(perhapsReasonSchema, request);
    const session = await give({
      sessionId: sessionIdOf(request),
      host: pathParameter(request.params["host"], hostNameSchema),
      order: orderOf(request, reason),
    });
    return { status: 200, body: await orders.view(session) };
  };

export const handler = api([
  { method: "POST", path: "/v1/maintenance", allow: ADMINS, run: createSession },
  { method: "GET", path: "/v1/maintenance", allow: VIEWERS, run: listSessions },
  { method: "GET", path: "/v1/maintenance/{session_id}", allow: READERS, run: showSession },
  { method: "DELETE", path: "/v1/maintenance/{session_id}", allow: ADMINS, run: deleteSession },
  { method: "GET", path: "/v1/maintenance/{session_id}/detail", allow: READERS, run: showDetail },
  { method: "GET", path: "/v1/maintenance/{session_id}/events", allow: READERS, run: listEvents },
  // After all other words of two parts, which it would take for projects.
  {
    method: "GET",
    path: "/v1/maintenance/{session_id}/{project_id}",
    allow: VIEWERS,
    run: showProject,
  },
  {
    method: "PUT",
    path: "/v1/maintenance/{session_id}/{project_id}",
    allow: WRITERS,
    run: takeReply,
  },
  {
    method: "PUT",
    path: "/v1/maintenance/{session_id}/{project_id}/{instance_id}",
    allow: WRITERS,
    run: takeReply,
  },
  {
    method: "GET",
    path: "/v1/maintenance/{session_id}/hosts/{host}/effects",
    allow: READERS,
    run: listEffects,
  },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/pause",
    allow: BRAKEMEN,
    run: ordering("pause", reasonSchema, pause),
  },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/resume",
    allow: BRAKEMEN,
    run: ordering("resume", perhapsReasonSchema, resume),
  },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/abort",
    allow: BRAKEMEN,
    run: abortSession,
  },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/projects/{project_id}/override",
    allow: ADMINS,
    run: overrideProject,
  },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/hosts/{host}/retry",
    allow: ADMINS,
    run: orderingHost(retry),
  },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/hosts/{host}/release",
    allow: BRAKEMEN,
    run: orderingHost(release),
  },
]);
