import { createHash, randomUUID } from "node:crypto";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { objectionsTo } from "../../lib/domain/admission.ts";
import { hostNameSchema } from "../../lib/domain/device.ts";
import {
  BlockedError,
  ConflictError,
  InvalidError,
  MalformedError,
} from "../../lib/domain/errors.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { percentDone } from "../../lib/domain/progress.ts";
import {
  isClosed,
  type NewSession,
  newSessionSchema,
  openSession,
  type Session,
} from "../../lib/domain/session.ts";
import { attentionOf, detailOf, summaryOf } from "../../lib/domain/session-view.ts";
import {
  ADMINS,
  type ApiRequest,
  api,
  parseBody,
  parseQuery,
  pathParameter,
  READERS,
  type Reply,
} from "../../lib/lambda/api.ts";
import { hookStore } from "../../lib/store/hooks.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import {
  findIdempotency,
  type IdempotencyRecord,
  type IdempotencyUse,
  putIdempotency,
} from "../../lib/store/idempotency.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { keys, openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const sessions = sessionStore(table);
const hostRuns = hostRunStore(table);
const moves = moveStore(table);
const hosts = hostStore(table);
const hooks = hookStore(table);
const events = outbox(table);

/** A session is one row of the table, which holds 400 KB. */
const LARGEST_BODY = 200_000;

const LONGEST_KEY = 255;

const pageSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

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
  if (Buffer.byteLength(request.body ?? "") > LARGEST_BODY)
    throw new MalformedError(`the body is larger than ${LARGEST_BODY} bytes`);
  const use = idempotencyOf(request);
  const before = use && (await findIdempotency(table, use, request.now));
  if (use && before) return repeated(before, use);

  const session = await admitted(body, request);
  const { session_id } = session;
  const remember = use ? [putIdempotency(table, use, session_id, request.now)] : [];
  try {
    await sessions.open(session, maintenanceSession(session, 0, request.now), remember);
  } catch (error) {
    const winner = use && (await findIdempotency(table, use, request.now));
    if (!(error instanceof ConflictError) || !use || !winner) throw error;
    return repeated(winner, use);
  }
  return { status: 200, body: { session_id } };
};

/** @throws BlockedError when the inventory knows that the session could not be carried out */
const admitted = async (body: NewSession, { now, principal }: ApiRequest): Promise<Session> => {
  const asked = body.hosts.length > 0 ? body.hosts : await everyHost();
  const wanted = { ...body, hosts: asked };
  const devices = await hosts.findByNames(settings.LULL_REGION, [...asked, ...body.targets]);
  const objections = objectionsTo(wanted, devices, now, settings.LULL_ACTION_MINUTES);
  if (objections.length > 0)
    throw new BlockedError("this session could not be carried out", objections);
  return openSession(wanted, {
    sessionId: randomUUID(),
    cloud: settings.LULL_CLOUD,
    region: settings.LULL_REGION,
    by: principal?.name ?? "",
    now,
  });
};

/** @throws MalformedError when the key is empty or too long to be one */
const idempotencyOf = ({ headers, body, principal }: ApiRequest): IdempotencyUse | null => {
  const key = headers["idempotency-key"];
  if (key === undefined) return null;
  if (key === "" || key.length > LONGEST_KEY)
    throw new MalformedError(`Idempotency-Key must be 1 to ${LONGEST_KEY} characters long`);
  const bodyHash = createHash("sha256")
    .update(body ?? "")
    .digest("hex");
  return { who: principal?.user ?? "", key, bodyHash };
};

/** @throws InvalidError when the key was used for another body */
const repeated = (before: IdempotencyRecord, { bodyHash }: IdempotencyUse): Reply => {
  if (before.body_sha256 !== bodyHash)
    throw new InvalidError("this Idempotency-Key was used for another request", [
      { path: "Idempotency-Key", code: "key_reused", message: "take a new key for a new request" },
    ]);
  return { status: 200, body: { session_id: before.session_id } };
};

/**
 * An empty list of hosts means the whole cloud to Fenix, and an empty result to a script: it has
 * to be allowed by the operator.
 */
const everyHost = async (): Promise<string[]> => {
  if (settings.LULL_ALLOW_ALL_HOSTS) {
    const devices = await hosts.byName(settings.LULL_REGION);
    return [...devices.values()].filter(({ gone }) => !gone).map(({ name }) => name);
  }
  throw new InvalidError("name the hosts to maintain", [
    {
      path: "hosts",
      code: "hosts_empty",
      message: "an empty list would mean every host; LULL_ALLOW_ALL_HOSTS allows that",
    },
  ]);
};

const listSessions = async (request: ApiRequest): Promise<Reply> => {
  const { limit, cursor } = parseQuery(pageSchema, request);
  const page = await sessions.list(limit, cursor ?? null);
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

const showSession = async (request: ApiRequest): Promise<Reply> => {
  const session = await sessions.get(sessionIdOf(request));
  const runs = await hostRuns.list(session.session_id);
  const { session_id, state, control, maintenance_at } = session;
  return {
    status: 200,
    body: {
      session_id,
      state,
      control,
      percent_done: percentDone(session, runs),
      maintenance_at,
      attention: attentionOf(session, runs),
    },
  };
};

const showDetail = async (request: ApiRequest): Promise<Reply> => {
  const sessionId = sessionIdOf(request);
  // The session first: one that is over must not be shown with hosts as they were before its end.
  const session = await sessions.get(sessionId);
  const [runs, moved] = await Promise.all([hostRuns.list(sessionId), moves.list(sessionId)]);
  return { status: 200, body: detailOf(session, runs, moved) };
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

/** DELETE: a running session is aborted, which gives back what has not been worked on. */
const deleteSession = async (request: ApiRequest): Promise<Reply> => {
  const { now } = request;
  const sessionId = sessionIdOf(request);
  const runs = await hostRuns.list(sessionId);
  await sessions.change(sessionId, (seen) => {
    if (seen.hidden_at !== null) return null;
    const next: Session = {
      ...seen,
      control: isClosed(seen) ? seen.control : "aborting",
      hidden_at: now,
      updated_at: now,
      sequence: seen.sequence + 1,
    };
    return { next, event: maintenanceSession(next, percentDone(next, runs), now) };
  });
  return { status: 200, body: {} };
};

/** An admin says that the work on the host is done: ends a hold, or a webhook that lost its word. */
const releaseHost = async (request: ApiRequest): Promise<Reply> => {
  const { params, now, principal } = request;
  const run = await hostRuns.get(
    sessionIdOf(request),
    pathParameter(params["host"], hostNameSchema),
  );
  const held = run.actions.find(({ state }) => state === "RUNNING");
  if (!held?.hook_id)
    throw new ConflictError(`no work is under way on ${run.host}; it is ${run.phase}`);
  const details = `released by ${principal?.name}`;
  await hooks.answer(held.hook_id, { state: "DONE", details, at: now });
  return { status: 200, body: {} };
};

export const handler = api([
  { method: "POST", path: "/v1/maintenance", allow: ADMINS, run: createSession },
  { method: "GET", path: "/v1/maintenance", allow: READERS, run: listSessions },
  { method: "GET", path: "/v1/maintenance/{session_id}", allow: READERS, run: showSession },
  { method: "DELETE", path: "/v1/maintenance/{session_id}", allow: ADMINS, run: deleteSession },
  { method: "GET", path: "/v1/maintenance/{session_id}/detail", allow: READERS, run: showDetail },
  { method: "GET", path: "/v1/maintenance/{session_id}/events", allow: READERS, run: listEvents },
  {
    method: "POST",
    path: "/v1/maintenance/{session_id}/hosts/{host}/release",
    allow: ADMINS,
    run: releaseHost,
  },
]);
