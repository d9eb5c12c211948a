import type { Ask } from "../domain/dialogue/ask.ts";
import type { Question } from "../domain/dialogue/asking.ts";
import { maintenanceScheduled } from "../domain/events/maintenance-scheduled.ts";
import type { SessionProject } from "../domain/session-project.ts";
import { chunked } from "../store/batch-get.ts";
import type { SessionContext } from "./session-step.ts";

/** Projects that are told at once. */
const AT_ONCE = 10;

/**
 * Puts a question to all projects of the session; safe to repeat.
 *
 * @returns the ids of those that listen, and so may answer
 */
export const announce = async (context: SessionContext, question: Question): Promise<string[]> => {
  const projects = await context.sessionProjects.ofSession(context.session.session_id);
  const listening: string[] = [];
  for (const chunk of chunked(projects, AT_ONCE)) {
    const answers = await Promise.all(
      chunk.map(async (project) => {
        const listens = await context.audience.listens(project.project_id, question.state);
        await tell(context, question, project, listens);
        return listens ? [project.project_id] : [];
      }),
    );
    listening.push(...answers.flat());
  }
  return listening;
};

/** Puts the question to one project. */
export const tell = async (
  { asks, settings, session, ref, now }: SessionContext,
  { state, askId, replyAt, actionsAt, waits, missing }: Question,
  { project_id, instance_ids }: SessionProject,
  listens: boolean,
): Promise<void> => {
  const ask: Ask = {
    schema: 1,
    session_id: session.session_id,
    project_id,
    ask_id: askId,
    run_id: ref.run_id,
    state,
    instance_ids,
    allowed_actions: [],
    expects_reply: listens && waits,
    asked_at: now,
    reply_at: replyAt,
    actions_at: actionsAt,
    missing: missing ?? null,
    answer: null,
    answers: 0,
    closed_at: null,
    came_to: null,
  };
  const links = { publicUrl: settings.LULL_PUBLIC_URL, hostId: null };
  await asks.open(ref, ask, { event: maintenanceScheduled(session, ask, links) });
};
