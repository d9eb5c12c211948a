import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { projectViews } from "../../lib/control/project-views.ts";
import { attentionOf } from "../../lib/domain/attention.ts";
import { hostNameSchema } from "../../lib/domain/device.ts";
import { NotFoundError } from "../../lib/domain/errors.ts";
import { type HostRun, sessionOfReason } from "../../lib/domain/host-run.ts";
import { hostIdSchema, projectIdSchema } from "../../lib/domain/project-view.ts";
import {
  type ApiRequest,
  api,
  parseQuery,
  pathParameter,
  projectToShow,
  READERS,
  type Reply,
  VIEWERS,
} from "../../lib/lambda/api.ts";
import { freezeStore } from "../../lib/store/freeze.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const hosts = hostStore(table);
const sessions = sessionStore(table);
const hostRuns = hostRunStore(table);
const freeze = freezeStore(table);
const views = projectViews(table);
const { owners } = ownership(table);

const projectSchema = z.strictObject({ project: projectIdSchema.optional() });

/** Null when there is no such session here, or it has not claimed the host. */
const runOf = (sessionId: string, host: string): Promise<HostRun | null> =>
  hostRuns.get(sessionId, host).catch((error: unknown) => {
    if (error instanceof NotFoundError) return null;
    throw error;
  });

/** What happens to a host right now: where the link in its `disabled_reason` leads. */
const showStatus = async ({ params }: ApiRequest): Promise<Reply> => {
  const host = pathParameter(params["host"], hostNameSchema);
  const device = await hosts.findByName(settings.LULL_REGION, host);
  if (device === null) throw new NotFoundError(`the inventory has no host ${host}`);
  // A session that is over owns nothing any more, but may have left the host out of service.
  const { disabled_reason } = device.service;
  const sessionId = (await owners([device.id])).get(device.id) ?? sessionOfReason(disabled_reason);
  const run = sessionId === null ? null : await runOf(sessionId, device.name);
  if (run === null)
    return { status: 200, body: { host, service: device.service, session_id: null } };
  const [session, frozen] = await Promise.all([sessions.get(run.session_id), freeze.get()]);
  return {
    status: 200,
    body: {
      host,
      service: device.service,
      session_id: session.session_id,
      state: session.state,
      control: session.control,
      reason: session.reason,
      created_by: session.created_by,
      phase: run.phase,
      outcome: run.outcome,
      instances_left: run.instances_left,
      since: run.phase_at,
      details: run.details,
      attention: attentionOf(session, [run], frozen).filter(
        (item) => item.host === null || item.host === run.host,
      ),
    },
  };
};

/** What happens to the host that Nova calls so to the caller's project, or to the one asked for. */
const showProjectStatus = async (request: ApiRequest): Promise<Reply> => {
  const hostId = pathParameter(request.params["host_id"], hostIdSchema);
  const { project } = parseQuery(projectSchema, request);
  return { status: 200, body: await views.host(projectToShow(request, project), hostId) };
};

export const handler = api([
  { method: "GET", path: "/status/{host}", allow: READERS, run: showStatus },
  { method: "GET", path: "/status/project/{host_id}", allow: VIEWERS, run: showProjectStatus },
]);
