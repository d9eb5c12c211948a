import { secondsUntil } from "./instant.ts";

const SLOW_SECONDS = 30;
/** `now` is when a step was entered: its tries, and a busy machine, may have taken so long since. */
const FAST_SECONDS = 300;

/**
 * What is to be said of clocks that disagree, or do not tell; null when all is well. Windows and heartbeats are
 * judged by both.
 *
 * @param now when the step was entered, by our clock
 * @param theirs the answer of the cloud to it, by its own; null = it does not tell
 */
export const clockSkew = (now: string, theirs: string | null): string | null => {
  if (theirs === null)
    return "Nova's answers carry no Date, so neither its clock nor a late heartbeat can be told; mend its web server";
  const ahead = secondsUntil(now, theirs);
  return ahead < -SLOW_SECONDS || ahead > FAST_SECONDS
    ? `Nova's clock says ${theirs} where ours says ${now}; synchronise both`
    : null;
};
