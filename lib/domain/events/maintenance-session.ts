import type { Session } from "../session.ts";
import type { DomainEvent } from "./event.ts";

/** `maintenance.session`, for cloud admins: the session entered a state or its control changed. */
export const maintenanceSession = (
  session: Session,
  percentDone: number,
  at: string,
): DomainEvent => ({
  schema: 1,
  type: "maintenance.session",
  entity: session.session_id,
  sequence: session.sequence,
  at,
  detail: {
    service: "lull",
    session_id: session.session_id,
    state: session.state,
    control: session.control,
    holds: session.holds,
    aborted: session.aborted,
    percent_done: percentDone,
    attention: session.attention,
  },
});
