import { openAsking, type Question, questionForRoom, ROOM_ASK } from "../domain/dialogue/asking.ts";
import { missingIn, type Shortfall } from "../domain/plan/shortfall.ts";
import type { SessionProject } from "../domain/session-project.ts";
import { logger } from "../lambda/logger.ts";
import { listServers } from "../openstack/compute/servers.ts";
import { OpenStackError, TransientOpenStackError } from "../openstack/errors.ts";
import { chunked } from "../store/batch-get.ts";
import { listens, tell } from "./announce.ts";
import { type SessionContext, update } from "./session-step.ts";

/** Projects that are looked up at once. */
const AT_ONCE = 10;

/**
 * Asks one project that listens, and was not asked yet, to scale in by what is missing: of those that
 * have instances where it is missing the one with the most in the session first, and the next only
 * when that was not enough. An ask that is out already, and that the session does not know of, is
 * waited for before any other.
 *
 * @returns false when nobody is left to ask
 */
export const askForRoom = async (
  context: SessionContext,
  shortfall: Shortfall,
): Promise<boolean> => {
  const { session, sessionProjects, asks, now } = context;
  if (!session.dialogue.scale_in || shortfall.size === 0) return false;
  const concerned = await sessionProjects.ofSession(session.session_id);
  const asked = await asks.getAll(
    session.session_id,
    concerned.map(({ project_id }) => ({ project_id, ask_id: ROOM_ASK })),
  );
  const outstanding = asked.find(({ closed_at }) => closed_at === null);
  if (outstanding !== undefined) {
    await remember(context, questionForRoom(session, outstanding.missing ?? {}, now), outstanding);
    return true;
  }
  const names = new Set(asked.map(({ project_id }) => project_id));
  const projects = concerned
    .filter(({ project_id }) => !names.has(project_id))
    .toSorted((a, b) => b.instance_ids.length - a.instance_ids.length);
  for (const project of projects) {
    const missing = missingIn(shortfall, await zonesOf(context, project.project_id));
    if (missing === null) continue;
    const question = questionForRoom(session, missing, now);
    if (!(await listens(context, question, project))) continue;
    await tell(context, question, project, true);
    await remember(context, question, project);
    return true;
  }
  return false;
};

/**
 * Those of the projects that would hear it if they were asked for room; none where the session asks
 * nobody, and none of which the cloud does not say whether it listens.
 */
export const listeningForRoom = async (
  context: SessionContext,
  projectIds: readonly string[],
): Promise<ReadonlySet<string>> => {
  const { session, now } = context;
  const listening = new Set<string>();
  if (!session.dialogue.scale_in) return listening;
  const question = questionForRoom(session, {}, now);
  for (const chunk of chunked(projectIds, AT_ONCE))
    await Promise.all(
      chunk.map(async (project_id) => {
        if (await surelyListens(context, question, project_id)) listening.add(project_id);
      }),
    );
  return listening;
};

const surelyListens = async (
  context: SessionContext,
  question: Question,
  project_id: string,
): Promise<boolean> => {
  try {
    return await listens(context, question, { project_id, instance_ids: [] });
  } catch (error) {
    if (!(error instanceof OpenStackError || error instanceof TransientOpenStackError)) throw error;
    logger.warn("whether a project listens", { project_id, error });
    return false;
  }
};

/** Has the session wait for the project, unless it was aborted since. */
const remember = async (
  context: SessionContext,
  question: Question,
  { project_id }: Pick<SessionProject, "project_id">,
): Promise<void> => {
  const { now } = context;
  await update(context, (seen) => ({ ...seen, ...openAsking(seen, question, [project_id], now) }));
};

/** The zones in which the project has instances on a host now. */
const zonesOf = async (context: SessionContext, projectId: string): Promise<Set<string>> => {
  const { compute } = await context.cloud();
  const servers = await listServers(compute, { project_id: projectId, all_tenants: true });
  return new Set(servers.flatMap(({ host, az }) => (host && az ? [az] : [])));
};
