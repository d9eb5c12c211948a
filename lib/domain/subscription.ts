import * as z from "zod";
import { MAINTENANCE_SCHEDULED, PROJECT_EVENTS } from "./events/project-event.ts";

/** A project's wish to be told of its maintenance at a URL. Its secret is derived, never stored. */
export const subscriptionSchema = z.object({
  schema: z.literal(1),
  subscription_id: z.string(),
  project_id: z.string(),
  url: z.string(),
  events: z.array(z.enum(PROJECT_EVENTS)),
  description: z.string(),
  created_at: z.string(),
  created_by: z.string(),
});
export type Subscription = z.infer<typeof subscriptionSchema>;

/** Body of POST /v1/subscriptions. A receiver gets no more than it says it knows. */
export const newSubscriptionSchema = z.strictObject({
  url: z.string().min(1).max(2_000),
  events: z
    .array(z.enum(PROJECT_EVENTS))
    .min(1)
    .max(PROJECT_EVENTS.length)
    .default([MAINTENANCE_SCHEDULED]),
  description: z.string().max(200).default(""),
});

/** A subscription as its project sees it. */
export const subscriptionViewOf = ({ schema: _, ...view }: Subscription) => view;

/** Whether the receiver is sent events of this type. */
export const wants = ({ events }: Pick<Subscription, "events">, type: string): boolean =>
  events.some((event) => event === type);
