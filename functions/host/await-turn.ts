import { givingBack, puttingOff } from "../../lib/domain/host-run.ts";
import { isCordonOver } from "../../lib/domain/standstill.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/** How long it sleeps at most before it looks whether its session still means to go on. */
const LOOK_SECONDS = 600;

/**
 * State AwaitTurn: the host is disabled early, so that nothing new lands on it, and waits for its
 * session to admit it. When the session stands still for long it is given back, and waits again.
 */
export const handler = hostStep(
  "CORDONED",
  async ({ now, run, session }) => {
    if (session.control === "aborting")
      return { run: givingBack(run, now, "the session was aborted") };
    if (isCordonOver(session, run, now))
      return { run: puttingOff(run, now, "its turn does not come soon") };
    return { run, wait: "change", seconds: LOOK_SECONDS };
  },
  { watches: true },
);
