import { hostStep } from "../../lib/steps/host-step.ts";
import { monitorsOf, silenceKey } from "../../lib/steps/silence.ts";

/** State RestoreMonitoring: ends our silences, checked, before guests can come back. */
export const handler = hostStep("RESTORING", async (context) => {
  const { now, run } = context;
  for (const monitor of await monitorsOf(context)) {
    const prior = run.monitors.find(({ name }) => name === monitor.name);
    if (prior) await monitor.restore(run.host, silenceKey(run), prior);
  }
  return { run: { ...run, phase: "ENABLING", phase_at: now } };
});
