import { openAsking, questionForRoom } from "../domain/dialogue/asking.ts";
import { missingIn, type Shortfall } from "../domain/plan/shortfall.ts";
import { listServers } from "../openstack/compute/servers.ts";
import { listens, tell } from "./announce.ts";
import { changed, type SessionContext } from "./session-step.ts";

/**
 * Asks one project that listens, and was not asked yet, to scale in by what is missing: of those that
 * have instances where it is missing the one with the most in the session first, and the next only
 * when that was not enough.
 *
 * @returns false when nobody is left to ask
 */
export const askForRoom = async (
  context: SessionContext,
  shortfall: Shortfall,
): Promise<boolean> => {
  const { session, sessions, sessionProjects, hosts, ref, now } = context;
  if (!session.dialogue.scale_in || shortfall.size === 0) return false;
  const projects = (await sessionProjects.ofSession(session.session_id))
    .filter(({ project_id }) => !session.asked_for_room.includes(project_id))
    .toSorted((a, b) => b.instance_ids.length - a.instance_ids.length);
  for (const project of projects) {
    const missing = missingIn(shortfall, await zonesOf(context, project.project_id));
    if (missing === null) continue;
    const question = questionForRoom(session, missing, now);
    if (!(await listens(context, question, project))) continue;
    await tell(context, question, project, true);
    await sessions.changeAs(ref, (seen) =>
      changed(seen, openAsking(seen, question, [project.project_id], now), hosts, now),
    );
    return true;
  }
  return false;
};

/** The zones in which the project has instances on a host now. */
const zonesOf = async (context: SessionContext, projectId: string): Promise<Set<string>> => {
  const { compute } = await context.cloud();
  const servers = await listServers(compute, { project_id: projectId, all_tenants: true });
  return new Set(servers.flatMap(({ host, az }) => (host && az ? [az] : [])));
};
