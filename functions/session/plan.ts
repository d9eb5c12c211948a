import { breakerHold, isTripped } from "../../lib/domain/breaker.ts";
import { withoutIdleQuestion } from "../../lib/domain/dialogue/asking.ts";
import { canariesIn, hostsToAskForProof } from "../../lib/domain/plan/canary.ts";
import { nextStep } from "../../lib/domain/plan/session-step.ts";
import { controlOf, type Session } from "../../lib/domain/session.ts";
import { beginOrdering } from "../../lib/steps/begin-ordering.ts";
import { lookAtCloud } from "../../lib/steps/cloud-watch.ts";
import {
  type SessionContext,
  sessionStep,
  standstillOf,
  update,
  withFindings,
} from "../../lib/steps/session-step.ts";

/**
 * State Plan: reads the session and its hosts, brings the session's state up to date, stops it when
 * too much went wrong, and says what comes next. It asks the cloud nothing, but whether it is well
 * again when it was not.
 */
export const handler = sessionStep(async (context) => {
  const { now, seq, hosts } = context;
  if (context.session.hosts[0] !== undefined)
    await lookAtCloud(context, context.session.hosts[0], now);
  const standstill = await standstillOf(context);
  const agenda = await context.agendas.get(context.session.session_id);
  const moves = await movesThatMayProve(context);
  const planned = (seen: Session): Session => {
    const canaries = [...seen.canaries, ...canariesIn(seen, hosts, moves)];
    const session = braked(withoutIdleQuestion({ ...seen, canaries }), context);
    const step = nextStep(session, hosts, now, { standstill, agenda });
    return step.next === "await" ? withFindings(session, step.brakes) : session;
  };
  const session = await update(context, planned);
  const step = nextStep(session, hosts, now, { standstill, agenda });
  if (step.next === "order") return beginOrdering({ ...context, session }, agenda);
  return { next: step.next, seconds: step.next === "await" ? step.seconds : 0, seq };
});

/** The session with its own hold on it, when it has to stop itself now. */
const braked = (session: Session, { hosts, now }: SessionContext): Session => {
  const why = isTripped(session, hosts);
  if (why === null) return session;
  const holds = [...session.holds, breakerHold(why, now)];
  return { ...session, holds, control: controlOf({ ...session, holds }) };
};

/** Moves that may say that a canary has taken an instance; none are read when nobody waits for that. */
const movesThatMayProve = async ({ moves, session, hosts }: SessionContext) => {
  const asked = hostsToAskForProof(session, hosts);
  return (
    await Promise.all(asked.map((host) => moves.listByHost(session.session_id, host)))
  ).flat();
};
