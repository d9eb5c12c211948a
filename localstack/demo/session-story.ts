import { getMaintenanceDetail, listMaintenanceEvents } from "../../lib/client/maintenance.ts";
import { type Api, collect } from "../../lib/client/request.ts";
import { type SessionStory, sessionStorySchema } from "../openstack/invariants/story.ts";

/** Everything that the public API tells of a session. */
export const readSession = async (api: Api, sessionId: string): Promise<SessionStory> => {
  const detail = await getMaintenanceDetail(api, sessionId);
  const events = await collect(listMaintenanceEvents(api, sessionId));
  return sessionStorySchema.parse({ detail, events });
};
