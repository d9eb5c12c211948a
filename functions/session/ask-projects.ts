import {
  openAsking,
  questionOf,
  secondsToListen,
  settled,
} from "../../lib/domain/dialogue/asking.ts";
import { nextStep } from "../../lib/domain/plan/session-step.ts";
import { announce } from "../../lib/steps/announce.ts";
import { hearProjects } from "../../lib/steps/hear-projects.ts";
import { sessionStep, update } from "../../lib/steps/session-step.ts";

/**
 * State AskProjects: tells all projects of the session that it will be, or is over, or asks one of
 * them for room; then it waits for those that listen, each for as long as it has time. A session
 * that somebody changed meanwhile, so that there is nothing to ask now, is looked at anew.
 */
export const handler = sessionStep(async (context) => {
  const { now, seq, session, hosts } = context;
  if (nextStep(session, hosts, now).next !== "ask") return { next: "plan" };
  if (session.asking === null) {
    const question = questionOf(session, now);
    const listening = await announce(context, question);
    await update(context, (seen) => ({ ...seen, ...openAsking(seen, question, listening, now) }));
    return { next: "plan" };
  }
  const { answers, until } = await hearProjects(context, session.asking);
  if (until !== null) return { next: "await", seconds: secondsToListen(until, now), seq };
  await update(context, (seen) => ({ ...seen, ...settled(seen, answers, now) }));
  return { next: "plan" };
});
