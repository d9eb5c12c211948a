import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { entering } from "../../lib/domain/host-run.ts";
import { serversOn } from "../../lib/fleet/guests.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/** Events that one transaction takes next to the host's row and its fence. */
const AT_ONCE = 90;

/**
 * State AskOwners: tells each project with instances on the host that they will be live-migrated
 * now. No project can answer yet, so nothing that interrupts an instance is ever done.
 */
export const handler = hostStep("ASKING", async ({ cloud, hostRuns, ref, now, run, session }) => {
  const servers = await serversOn(await cloud(), run.host);
  const byProject = [...Map.groupBy(servers, ({ project_id }) => project_id ?? "")];
  let { sequence } = run;
  for (let first = 0; first < byProject.length; first += AT_ONCE) {
    const events = byProject.slice(first, first + AT_ONCE).map(([projectId, owned]) => {
      sequence += 1;
      const notice = {
        projectId,
        hostId: owned[0]?.host_id ?? "",
        instanceIds: owned.map(({ id }) => id),
        at: now,
      };
      return maintenanceScheduled(session, { ...run, sequence }, notice);
    });
    await hostRuns.save(ref, { ...run, sequence }, { events });
  }
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
