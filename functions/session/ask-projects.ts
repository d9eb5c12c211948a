import { askedOf, openAsking, questionOf, settled } from "../../lib/domain/dialogue/asking.ts";
import { secondsUntil } from "../../lib/domain/instant.ts";
import { announce } from "../../lib/steps/announce.ts";
import { hearProjects } from "../../lib/steps/hear-projects.ts";
import { changed, sessionStep } from "../../lib/steps/session-step.ts";

/**
 * State AskProjects: tells all projects of the session that it will be, or is over, or asks one of
 * them for room; then it waits for those that listen, each for as long as it has time.
 */
export const handler = sessionStep(async (context) => {
  const { sessions, ref, now, seq, session, hosts } = context;
  const update = (decide: (seen: typeof session) => Partial<typeof session>) =>
    sessions.changeAs(ref, (seen) => changed(seen, decide(seen), hosts, now));

  if (session.asking === null) {
    const question = questionOf(session, now);
    const listening = await announce(context, question);
    await update((seen) => openAsking(seen, question, listening, now));
    return { next: "plan" };
  }
  const { answers, until } = await hearProjects(context, askedOf(session.asking));
  if (until !== null) return { next: "await", seconds: secondsUntil(now, until), seq };
  await update((seen) => settled(seen, answers, now));
  return { next: "plan" };
});
