import type { Session } from "../session.ts";
import type { DomainEvent } from "./event.ts";
import { MAINTENANCE_OVERRIDE } from "./project-event.ts";

/** What of an order a project may know: not whose it was, and not in what words. */
type Overridden = {
  readonly projectId: string;
  readonly at: string;
  /** Of this deployment, without a slash at its end. */
  readonly publicUrl: string;
};

/**
 * `maintenance.override`, for one project: an admin has set its word aside for the rest of the
 * session, so its instances are moved live whatever it answers. A type of its own, because clients
 * of Fenix take any `maintenance.scheduled` for a question in a state that they know. Both addresses
 * are the project's own page of the session.
 */
export const maintenanceOverride = (
  { session_id }: Pick<Session, "session_id">,
  { projectId, at, publicUrl }: Overridden,
): DomainEvent => {
  const url = `${publicUrl}/v1/maintenance/${session_id}/${projectId}`;
  return {
    schema: 1,
    type: MAINTENANCE_OVERRIDE,
    entity: `${session_id}/${projectId}/override`,
    sequence: 1,
    at,
    detail: {
      service: "lull",
      project_id: projectId,
      session_id,
      state: "OVERRIDDEN",
      instance_ids: url,
      reply_at: null,
      status_url: url,
    },
  };
};
