import type { Session } from "../session.ts";
import type { DomainEvent } from "./event.ts";

/** What a person ordered, and in what words. */
export type Ordered = {
  readonly what: "pause" | "resume" | "abort" | "delete" | "retry" | "release" | "override";
  /** The host that it is about, where it is about one. */
  readonly host?: string;
  /** The same of a project. */
  readonly project_id?: string;
  readonly by: string;
  readonly reason: string;
};

/** `maintenance.session`, for cloud admins: the session entered a state or its control changed; `order` is there when a person wanted it. */
export const maintenanceSession = (
  session: Session,
  percentDone: number,
  at: string,
  order: Ordered | null = null,
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
    ...(order !== null && { order: noteOf(order) }),
  },
});

const noteOf = ({ what, host, project_id, by, reason }: Ordered) => ({
  what,
  host: host ?? null,
  ...(project_id !== undefined && { project_id }),
  by,
  reason,
});
