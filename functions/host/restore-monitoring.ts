import { entering } from "../../lib/domain/host-run.ts";
import { secondsInPhase } from "../../lib/domain/standstill.ts";
import { MonitoringError } from "../../lib/monitoring/monitor.ts";
import { type HostContext, hostStep } from "../../lib/steps/host-step.ts";
import { monitorsOf, silenceKey } from "../../lib/steps/silence.ts";

/**
 * State RestoreMonitoring: ends our silences, checked, before guests can come back. A system that
 * refuses, or is unwell for too long, does not keep a good host out of service: its silence is
 * named, for people to end.
 */
export const handler = hostStep("RESTORING", async (context) => {
  const { now, run } = context;
  const left: string[] = [];
  for (const monitor of await monitorsOf(context)) {
    const prior = run.monitors.find(({ name }) => name === monitor.name);
    if (prior === undefined) continue;
    try {
      await monitor.restore(run.host, silenceKey(run), prior);
    } catch (error) {
      if (!isFinal(context, error)) throw error;
      left.push(`${monitor.name} may still be silenced for ${run.host}: ${error.message}`);
    }
  }
  const left_behind = [run.left_behind, ...left].filter(Boolean).join("; ") || null;
  const next = run.stopped.length > 0 ? "STARTING" : "ENABLING";
  return { run: { ...entering(run, next, now), details: run.details, left_behind } };
});

const isFinal = ({ run, now, settings }: HostContext, error: unknown): error is Error =>
  error instanceof MonitoringError ||
  (error instanceof Error && secondsInPhase(run, now) >= settings.LULL_VERIFY_MINUTES * 60);
