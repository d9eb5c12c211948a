import type { DomainEvent } from "../domain/events/event.ts";
import { maintenanceScheduled } from "../domain/events/maintenance-scheduled.ts";
import type { HostRun } from "../domain/host-run.ts";
import type { Session } from "../domain/session.ts";
import type { Server } from "../openstack/compute/servers.ts";

/**
 * One notice for each project with instances among the servers. All carry the host's own instant
 * and number: told again after a crash, they are the same events.
 */
export const noticesOf = (
  session: Session,
  run: HostRun,
  servers: readonly Server[],
): DomainEvent[] =>
  [...Map.groupBy(servers, ({ project_id }) => project_id ?? "")].map(([projectId, owned]) =>
    maintenanceScheduled(session, run, {
      projectId,
      hostId: owned[0]?.host_id ?? "",
      instanceIds: owned.map(({ id }) => id),
      at: run.phase_at,
    }),
  );
