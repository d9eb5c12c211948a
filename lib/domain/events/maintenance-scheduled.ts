import type { HostRun } from "../host-run.ts";
import type { Session } from "../session.ts";
import type { DomainEvent } from "./event.ts";

type Notice = {
  readonly projectId: string;
  /** What Nova tells that project instead of the host: sha224(project + host). */
  readonly hostId: string;
  readonly instanceIds: readonly string[];
  readonly at: string;
};

/**
 * `maintenance.scheduled`, for one project: these instances of yours will be moved now.
 * Without a dialogue it asks for nothing (`allowed_actions` is empty). It never names the host.
 */
export const maintenanceScheduled = (
  session: Session,
  run: HostRun,
  { projectId, hostId, instanceIds, at }: Notice,
): DomainEvent => ({
  schema: 1,
  type: "maintenance.scheduled",
  entity: `${run.session_id}/${hostId}`,
  sequence: run.sequence,
  at,
  detail: {
    service: "lull",
    project_id: projectId,
    session_id: session.session_id,
    state: "PLANNED_MAINTENANCE",
    instance_ids: instanceIds,
    allowed_actions: [],
    actions_at: at,
    reply_at: null,
    metadata: session.metadata,
  },
});
