import * as z from "zod";

/**
 * Where a project wants to be told of its maintenance, as it was found when the event came.
 * `receiver_id` is the same for every event that goes there.
 */
export const receiverSchema = z.discriminatedUnion("kind", [
  /** A subscription of this API: a signed webhook, whose receiver knows a repeat by its id. */
  z.object({ kind: z.literal("webhook"), receiver_id: z.string(), url: z.string() }),
  /** The action of an alarm: a plain POST to an application manager that acts on each one. */
  z.object({
    kind: z.literal("alarm"),
    receiver_id: z.string(),
    url: z.string(),
    alarm: z.object({
      alarm_id: z.string(),
      name: z.string(),
      project_id: z.string(),
      state: z.string(),
      severity: z.string(),
      event_rule: z.object({
        query: z.array(
          z.object({ field: z.string(), op: z.string(), type: z.string(), value: z.string() }),
        ),
      }),
    }),
  }),
]);
export type Receiver = z.infer<typeof receiverSchema>;

/** Longest answer of a receiver, in seconds: Doctor's VNFM takes up to 320 s to scale in. */
export const ANSWER_SECONDS: Readonly<Record<Receiver["kind"], number>> = {
  webhook: 20,
  alarm: 350,
};
