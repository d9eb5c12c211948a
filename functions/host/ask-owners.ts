import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { entering } from "../../lib/domain/host-run.ts";
import { serversOn } from "../../lib/fleet/guests.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/** Events that one transaction takes next to the host's row and its fence. */
const AT_ONCE = 90;

/**
 * State AskOwners: tells each project with instances on the host that they will be live-migrated
 * now. No project can answer yet, so nothing that interrupts an instance is ever done.
 *
 * The events carry the phase's own instant and number: told again after a crash, they are the same.
 */
export const handler = hostStep("ASKING", async ({ cloud, hostRuns, ref, now, run, session }) => {
  const servers = await serversOn(await cloud(), run.host);
  const sequence = run.sequence + 1;
  const events = [...Map.groupBy(servers, ({ project_id }) => project_id ?? "")].map(
    ([projectId, owned]) => {
      const hostId = owned[0]?.host_id ?? "";
      const instanceIds = owned.map(({ id }) => id);
      const notice = { projectId, hostId, instanceIds, at: run.phase_at };
      return maintenanceScheduled(session, { ...run, sequence }, notice);
    },
  );
  for (let first = 0; first < events.length; first += AT_ONCE)
    await hostRuns.save(ref, run, { events: events.slice(first, first + AT_ONCE) });
  const total = servers.length;
  return {
    run: {
      ...entering(run, "MOVING", now),
      sequence,
      instances_total: total,
      instances_left: total,
    },
  };
});
