import * as z from "zod";

/** The event that projects are told by; the only one that receivers get. */
export const MAINTENANCE_SCHEDULED = "maintenance.scheduled";

/**
 * `maintenance.scheduled` as it comes from the bus. What events of earlier versions lack is null;
 * what is not named here is passed on as it is.
 */
export const projectEventSchema = z.looseObject({
  project_id: z.string(),
  session_id: z.string(),
  state: z.string(),
  reply_at: z.string().nullable().default(null),
  entity: z.string(),
  sequence: z.int(),
  at: z.string(),
});
export type ProjectEvent = z.infer<typeof projectEventSchema>;
