import { nextStep } from "../../lib/domain/plan/session-step.ts";
import { deriveState } from "../../lib/domain/progress.ts";
import { isTrouble } from "../../lib/domain/session.ts";
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
  // Whoever waits in peace is out of trouble: each step that failed has worked since.
  if (step.next === "await" && session.attention.some(isTrouble))
    await sessions.changeAs(ref, (seen) =>
      changed(seen, { attention: seen.attention.filter((item) => !isTrouble(item)) }, hosts, now),
    );
  return { next: step.next, seconds: step.next === "await" ? step.seconds : 0, seq };
});
