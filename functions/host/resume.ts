import type { RunRef } from "../../lib/domain/run.ts";
import { step } from "../../lib/lambda/step.ts";
import { openEngine } from "../../lib/steps/engine.ts";
import { endIfSuperseded } from "../../lib/steps/superseded.ts";

const { runs, hostRuns } = openEngine();

const whereItIs = async (ref: RunRef, now: string) => {
  const live = await runs.heartbeat(ref, now);
  const { phase } = await hostRuns.get(live.session_id, live.host ?? "");
  return { phase, wait: "none", seconds: 0, seq: 0 };
};

/** State Resume: a new execution goes on where the host's row says that the last one was. */
export const handler = step(({ ref, now }) => whereItIs(ref, now).catch(endIfSuperseded));
