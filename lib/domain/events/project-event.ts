import * as z from "zod";

/** What asks a project, or tells it how its maintenance goes on. */
export const MAINTENANCE_SCHEDULED = "maintenance.scheduled";

/** What tells a project that an admin has set its word aside. */
export const MAINTENANCE_OVERRIDE = "maintenance.override";

/** Events that a project may have sent to a webhook. */
export const PROJECT_EVENTS = [MAINTENANCE_SCHEDULED, MAINTENANCE_OVERRIDE] as const;

/**
 * An event for one project as it comes from the bus, with its type. What events of earlier versions
 * lack is null, and they were all of one type; what is not named here is passed on as it is.
 */
export const projectEventSchema = z.looseObject({
  type: z.string().default(MAINTENANCE_SCHEDULED),
  project_id: z.string(),
  session_id: z.string(),
  state: z.string(),
  reply_at: z.string().nullable().default(null),
  entity: z.string(),
  sequence: z.int(),
  at: z.string(),
});
export type ProjectEvent = z.infer<typeof projectEventSchema>;

/** Whether somebody wants to know whom the event has reached: only of what asks is the answer waited for. */
export const isReachKept = ({ type }: Pick<ProjectEvent, "type">): boolean =>
  type === MAINTENANCE_SCHEDULED;

/** Events that name hosts. Only projects that the operator has listed get them, and only by alarms. */
const HOST_EVENTS = new Set(["maintenance.host", "maintenance.session"]);

/**
 * The projects in whose name an event is told: the one that it goes to, or, of what goes to no
 * project, those that the operator has listed.
 */
export const projectsOf = (
  detail: Readonly<Record<string, unknown>>,
  listed: readonly string[],
): readonly string[] => {
  const own = detail["project_id"];
  return typeof own === "string" ? [own] : listed;
};

/** Whether the event may go to its project still: which are listed may have changed since it happened. */
export const mayBeTold = (
  { type, project_id }: Pick<ProjectEvent, "type" | "project_id">,
  listed: readonly string[],
): boolean => !HOST_EVENTS.has(type) || listed.includes(project_id);
