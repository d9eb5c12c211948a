import { readSettings } from "../../lib/config.ts";
import { hostNameSchema } from "../../lib/domain/device.ts";
import { NotFoundError } from "../../lib/domain/errors.ts";
import { type ApiRequest, api, pathParameter, READERS, type Reply } from "../../lib/lambda/api.ts";
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
const { owners } = ownership(table);

/** What happens to a host right now: where the link in its `disabled_reason` leads. */
const showStatus = async ({ params }: ApiRequest): Promise<Reply> => {
  const host = pathParameter(params["host"], hostNameSchema);
  const device = await hosts.findByName(settings.LULL_REGION, host);
  if (device === null) throw new NotFoundError(`the inventory has no host ${host}`);
  const sessionId = (await owners([device.id])).get(device.id);
  if (sessionId === undefined)
    return { status: 200, body: { host, service: device.service, session_id: null } };
  const [session, run] = await Promise.all([
    sessions.get(sessionId),
    hostRuns.get(sessionId, device.name),
  ]);
  return {
    status: 200,
    body: {
      host,
      service: device.service,
      session_id: sessionId,
      state: session.state,
      control: session.control,
      reason: session.reason,
      created_by: session.created_by,
      phase: run.phase,
      outcome: run.outcome,
      instances_left: run.instances_left,
      since: run.phase_at,
      details: run.details,
    },
  };
};

export const handler = api([
  { method: "GET", path: "/status/{host}", allow: READERS, run: showStatus },
]);
