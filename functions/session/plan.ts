import { nextStep } from "../../lib/domain/plan/session-step.ts";
import { deriveState } from "../../lib/domain/progress.ts";
import { changed, sessionStep } from "../../lib/steps/session-step.ts";

/**
 * State Plan: reads the session and its hosts, brings the session's state up to date, and says
 * what comes next. It touches nothing outside the table.
 */
export const handler = sessionStep(async ({ sessions, ref, now, seq, session, hosts }) => {
  if (deriveState(session, hosts) !== session.state)
    await sessions.changeAs(ref, (seen) =>
      deriveState(seen, hosts) === seen.state ? null : changed(seen, {}, hosts, now),
    );
  const step = nextStep(session, hosts, now);
  return { next: step.next, seconds: step.next === "await" ? step.seconds : 0, seq };
});
