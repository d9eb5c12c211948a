import { entering, givingBack, type HostRun } from "../../lib/domain/host-run.ts";
import { MonitoringError } from "../../lib/monitoring/monitor.ts";
import { drainIsOver } from "../../lib/steps/drain.ts";
import { type HostContext, hostStep } from "../../lib/steps/host-step.ts";
import { monitorsOf, renewSilences } from "../../lib/steps/silence.ts";

/**
 * State SilenceHost: silences alarms and self-healing for the host, now that it is empty, and
 * checks that they are. Where that fails for good no work is done: the host is given back.
 */
export const handler = hostStep("SILENCING", async (context) => {
  const { now, run, settings } = context;
  let noted = run;
  try {
    noted = await notePriors(context);
    await renewSilences(context, noted);
    return { run: entering(noted, "ENTERING", now) };
  } catch (error) {
    const final = error instanceof MonitoringError || drainIsOver(run, settings, now);
    if (!final || !(error instanceof Error)) throw error;
    return { run: givingBack(noted, now, `monitoring was not silenced: ${error.message}`) };
  }
});

/** What each system said before we touched it, read once: later it could be our own mark. */
const notePriors = async (context: HostContext): Promise<HostRun> => {
  const { run, save } = context;
  const monitors = await monitorsOf(context);
  const unknown = monitors.filter(({ name }) => !run.monitors.some((known) => known.name === name));
  if (unknown.length === 0) return run;
  const noted = await Promise.all(
    unknown.map(async (monitor) => ({ name: monitor.name, ...(await monitor.prior(run.host)) })),
  );
  return save({ ...run, monitors: [...run.monitors, ...noted] });
};
