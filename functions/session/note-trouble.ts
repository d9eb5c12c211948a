import type { RunRef } from "../../lib/domain/run.ts";
import type { Attention } from "../../lib/domain/session.ts";
import { step } from "../../lib/lambda/step.ts";
import { troubleOf } from "../../lib/lambda/trouble.ts";
import { openEngine } from "../../lib/steps/engine.ts";
import { changed, endedIfSuperseded, withAttention } from "../../lib/steps/session-step.ts";

/** How long a session rests after a failure that no retry cured. */
const REST_SECONDS = 60;

const { runs, sessions, hostRuns } = openEngine();

const note = async (ref: RunRef, now: string, message: string) => {
  await runs.heartbeat(ref, now);
  const hosts = await hostRuns.list(ref.run_id);
  const finding: Attention = {
    code: "step_failed",
    host: null,
    instance: null,
    since: now,
    message,
    what_happens_next: `it is tried again in ${REST_SECONDS} s, until it works or you abort`,
  };
  await sessions.changeAs(ref, (seen) =>
    changed(seen, { attention: withAttention(seen.attention, finding) }, hosts, now),
  );
  return { next: "rest" };
};

/** State NoteTrouble: tells people what stopped the session, and has it tried again after a rest. */
export const handler = step(({ ref, now, event }) =>
  note(ref, now, troubleOf(event)).catch(endedIfSuperseded),
);
