import type { HostRun } from "../host-run.ts";
import type { DomainEvent } from "./event.ts";

/** States of `maintenance.host`, spelled as Fenix spells them. */
type HostState = "IN_MAINTENANCE" | "MAINTENANCE_COMPLETE";

/**
 * `maintenance.host`, for infrastructure (inspectors, billing, self-healing): work on an empty
 * host begins, or the host is back. It carries the host's name, so it goes to none but the projects
 * that the operator names (setting LULL_HOST_EVENT_PROJECTS).
 */
export const maintenanceHost = (run: HostRun, state: HostState, at: string): DomainEvent => ({
  schema: 1,
  type: "maintenance.host",
  entity: `${run.session_id}/${run.host}`,
  sequence: run.sequence,
  at,
  detail: { service: "lull", session_id: run.session_id, host: run.host, state },
});
