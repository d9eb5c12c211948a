import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { entering } from "../../lib/domain/host-run.ts";
import { serversOn } from "../../lib/fleet/guests.ts";
import { hostStep } from "../../lib/steps/host-step.ts";

/** Events that one transaction takes next to the row, its fence and its share of 100 writes. */
const MOST_PROJECTS = 90;

/**
 * State AskOwners: tells each project with instances on the host that they will be live-migrated
 * now. No project can answer yet, so nothing that interrupts an instance is ever done.
 */
export const handler = hostStep("ASKING", async ({ cloud, now, run, session }) => {
  const servers = await serversOn(await cloud(), run.host);
  const byProject = Map.groupBy(servers, ({ project_id }) => project_id ?? "");
  const told = [...byProject].slice(0, MOST_PROJECTS);
  const events = told.map(([projectId, owned], n) =>
    maintenanceScheduled(
      session,
      { ...run, sequence: run.sequence + n + 1 },
      { projectId, instanceIds: owned.map(({ id }) => id), at: now },
    ),
  );
  const next = {
    ...entering(run, "MOVING", now),
    instances_total: servers.length,
    instances_left: servers.length,
    sequence: run.sequence + events.length,
  };
  return { run: next, events };
});
