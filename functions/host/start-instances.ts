import { entering } from "../../lib/domain/host-run.ts";
import { secondsInPhase } from "../../lib/domain/standstill.ts";
import { serversOn } from "../../lib/fleet/guests.ts";
import { startServer } from "../../lib/openstack/compute/server-actions.ts";
import { OpenStackError } from "../../lib/openstack/errors.ts";
import { makeEffect, settled } from "../../lib/steps/effect.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/**
 * State StartInstances: starts the instances that were stopped for the work, and waits until they
 * run. One that does not start in time is left for people, and does not keep the host.
 */
export const handler = hostStep("STARTING", async (context) => {
  const { now, run, settings } = context;
  const servers = run.stopped.length === 0 ? [] : await serversOn(await context.cloud(), run.host);
  const down = servers.filter(({ id, status }) => run.stopped.includes(id) && status !== "ACTIVE");
  for (const { id, status, task_state } of down)
    if (status === "SHUTOFF" && task_state === null)
      await makeEffect(context, `start#${id}`, async (requestId) =>
        startServer((await context.cloud()).compute, id, { requestId }),
      ).catch(toldBelow);
  if (down.length === 0) {
    for (const id of run.stopped) await settled(context, `start#${id}`);
    return { run: { ...entering(run, "ENABLING", now), details: run.details } };
  }
  const why = `stopped for the work and not running again: ${down.map(({ name, id }) => `${name} (${id})`).join(", ")}`;
  if (secondsInPhase(run, now) >= settings.LULL_VERIFY_MINUTES * 60) {
    const left_behind = [run.left_behind, why].filter(Boolean).join("; ");
    return { run: { ...entering(run, "ENABLING", now), left_behind } };
  }
  return { run: { ...run, trouble: why }, wait: "poll", seconds: settings.LULL_POLL_SECONDS };
});

/** One that Nova refuses to start does not run, and is named as such. */
const toldBelow = (error: unknown): void => {
  if (!(error instanceof OpenStackError)) throw error;
};
