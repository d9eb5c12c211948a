import type { RunRef } from "../../lib/domain/run.ts";
import { step } from "../../lib/lambda/step.ts";
import { troubleOf } from "../../lib/lambda/trouble.ts";
import { openEngine } from "../../lib/steps/engine.ts";
import { endIfSuperseded } from "../../lib/steps/superseded.ts";

/** How long a host run rests after a failure that no retry cured. */
const REST_SECONDS = 60;

const { runs, hostRuns } = openEngine();

const note = async (ref: RunRef, now: string, trouble: string) => {
  const live = await runs.heartbeat(ref, now);
  const run = await hostRuns.get(live.session_id, live.host ?? "");
  await hostRuns.save({ ...ref, turn: live.rounds }, { ...run, trouble }, { from: run });
  return { phase: run.phase, wait: "poll", seconds: REST_SECONDS, seq: 0 };
};

/**
 * State NoteTrouble: writes down what stopped the host run, for whoever watches, and has the
 * step tried again after a rest. Nothing is undone: whatever was begun is still in the row.
 */
export const handler = step(({ ref, now, event }) =>
  note(ref, now, troubleOf(event)).catch(endIfSuperseded),
);
