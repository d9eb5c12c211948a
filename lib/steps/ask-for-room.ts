import { openAsking, questionForRoom } from "../domain/dialogue/asking.ts";
import type { Amounts } from "../domain/plan/reserve.ts";
import { listens, tell } from "./announce.ts";
import { changed, type SessionContext } from "./session-step.ts";

/**
 * Asks one project that listens, and was not asked yet, to scale in by what is missing: the one
 * with the most instances in the session first, and the next only when that was not enough.
 *
 * @returns false when nobody is left to ask
 */
export const askForRoom = async (
  context: SessionContext,
  missing: Partial<Amounts>,
): Promise<boolean> => {
  const { session, sessions, sessionProjects, hosts, ref, now } = context;
  if (!session.dialogue.scale_in) return false;
  const projects = (await sessionProjects.ofSession(session.session_id))
    .filter(({ project_id }) => !session.asked_for_room.includes(project_id))
    .toSorted((a, b) => b.instance_ids.length - a.instance_ids.length);
  for (const project of projects) {
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
