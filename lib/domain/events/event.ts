import * as z from "zod";

/**
 * One thing that happened, stored in the transaction that made it happen and published from
 * there. `sequence` counts the events of one `entity`: a receiver that cares for order sorts by
 * it, because the bus promises none.
 */
export const eventSchema = z.object({
  schema: z.literal(1),
  type: z.string(),
  entity: z.string(),
  sequence: z.int(),
  at: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
export type DomainEvent = z.infer<typeof eventSchema>;

/** The name that every event of ours carries as its source on the bus. */
export const EVENT_SOURCE = "lull";
