import * as z from "zod";
import { type Api, pages, request } from "./request.ts";

const subscriptionSchema = z.looseObject({
  subscription_id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  description: z.string().default(""),
  created_at: z.string(),
  created_by: z.string().nullish(),
});
export type Subscription = z.infer<typeof subscriptionSchema>;

const createdSchema = subscriptionSchema.extend({ secret: z.string() });
const listSchema = z.object({ subscriptions: z.array(subscriptionSchema) });
const testedSchema = z.looseObject({
  delivered: z.boolean(),
  status: z.int().nullish(),
  error: z.string().nullish(),
});
const replayedSchema = z.object({ replayed: z.int(), next_cursor: z.string().nullish() });

const deliverySchema = z.looseObject({
  message_id: z.string(),
  session_id: z.string(),
  at: z.string(),
  event_state: z.string(),
  state: z.string(),
  attempts: z.int(),
  next_at: z.string().nullish(),
  last_error: z.string().nullish(),
});
export type Delivery = z.infer<typeof deliverySchema>;
const deliveriesSchema = z.object({
  deliveries: z.array(deliverySchema),
  next_cursor: z.string().nullish(),
});

const PATH = "/v1/subscriptions";
const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

/** Subscribes the token's project; only this answer has the secret. */
export const createSubscription = (
  api: Api,
  wanted: {
    readonly url: string;
    /** Types of events; absent = `maintenance.scheduled` alone. */
    readonly events?: readonly string[];
    readonly description?: string;
  },
): Promise<z.infer<typeof createdSchema>> =>
  request(api, PATH, createdSchema, { method: "POST", body: wanted });

/** Those of the token's project, the oldest first. */
export const listSubscriptions = async (api: Api): Promise<readonly Subscription[]> =>
  (await request(api, PATH, listSchema)).subscriptions;

export const getSubscription = (api: Api, id: string): Promise<Subscription> =>
  request(api, pathOf(id), subscriptionSchema);

export const deleteSubscription = (api: Api, id: string): Promise<unknown> =>
  request(api, pathOf(id), z.unknown(), { method: "DELETE" });

/** Has a signed message sent that says nothing. */
export const testSubscription = (api: Api, id: string): Promise<z.infer<typeof testedSchema>> =>
  request(api, `${pathOf(id)}/test`, testedSchema, { method: "POST" });

/**
 * Has everything sent again that told of what happened since.
 *
 * @returns how many messages
 */
export const replaySubscription = async (api: Api, id: string, since: string): Promise<number> => {
  let replayed = 0;
  for (let cursor: string | undefined; ; ) {
    const body = { since, ...(cursor !== undefined && { cursor }) };
    const page = await request(api, `${pathOf(id)}/replay`, replayedSchema, {
      method: "POST",
      body,
      // Receivers know a message that they have.
      repeatable: true,
    });
    replayed += page.replayed;
    if (!page.next_cursor) return replayed;
    cursor = page.next_cursor;
  }
};

/** What went or is to go there, the newest event first. */
export const listDeliveries = (api: Api, id: string) =>
  pages<Delivery>(async (cursor) => {
    const page = await request(api, `${pathOf(id)}/deliveries`, deliveriesSchema, {
      query: { cursor },
    });
    return { items: page.deliveries, next_cursor: page.next_cursor };
  });
