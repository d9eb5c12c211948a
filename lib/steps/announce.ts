import type { Ask } from "../domain/dialogue/ask.ts";
import type { Question } from "../domain/dialogue/asking.ts";
import type { DomainEvent } from "../domain/events/event.ts";
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
        const isListening = await listens(context, question, project);
        await tell(context, question, project, isListening);
        return isListening ? [project.project_id] : [];
      }),
    );
    listening.push(...answers.flat());
  }
  return listening;
};

/** Whether anybody of the project would hear the question. */
export const listens = (
  context: SessionContext,
  question: Question,
  project: Pick<SessionProject, "project_id" | "instance_ids">,
): Promise<boolean> => {
  const likely = eventOf(context, askOf(context, question, project, true));
  return context.audience.listens(project.project_id, likely);
};

/** Puts the question to one project. */
export const tell = async (
  context: SessionContext,
  question: Question,
  project: SessionProject,
  isListening: boolean,
): Promise<void> => {
  const ask = askOf(context, question, project, isListening);
  await context.asks.open(context.ref, ask, { event: eventOf(context, ask) });
};

const askOf = (
  { session, ref, now }: SessionContext,
  { state, askId, replyAt, actionsAt, waits, missing }: Question,
  { project_id, instance_ids }: Pick<SessionProject, "project_id" | "instance_ids">,
  isListening: boolean,
): Ask => ({
  schema: 1,
  session_id: session.session_id,
  project_id,
  ask_id: askId,
  run_id: ref.run_id,
  state,
  instance_ids,
  allowed_actions: [],
  expects_reply: isListening && waits,
  asked_at: now,
  reply_at: replyAt,
  actions_at: actionsAt,
  missing: missing ?? null,
  answer: null,
  answers: 0,
  closed_at: null,
  came_to: null,
});

const eventOf = ({ session, settings }: SessionContext, ask: Ask): DomainEvent =>
  maintenanceScheduled(session, ask, { publicUrl: settings.LULL_PUBLIC_URL, hostId: null });
