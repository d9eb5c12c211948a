import { randomUUID } from "node:crypto";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { webhooks } from "../../lib/delivery/webhook.ts";
import { deliveryViewOf, isOpen, replayed } from "../../lib/domain/delivery.ts";
import { ForbiddenError, InvalidError } from "../../lib/domain/errors.ts";
import { instantSchema } from "../../lib/domain/instant.ts";
import {
  newSubscriptionSchema,
  type Subscription,
  subscriptionViewOf,
} from "../../lib/domain/subscription.ts";
import {
  type ApiRequest,
  api,
  MEMBERS,
  parseBody,
  parseOptionalBody,
  parseQuery,
  pathParameter,
  type Reply,
  WRITERS,
} from "../../lib/lambda/api.ts";
import { deliveryStore } from "../../lib/store/deliveries.ts";
import { laneStore } from "../../lib/store/lanes.ts";
import { subscriptionStore } from "../../lib/store/subscriptions.ts";
import { openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const subscriptions = subscriptionStore(table);
const deliveries = deliveryStore(table);
const lanes = laneStore(table);
const hooks = webhooks(settings, subscriptions);

/** Deliveries that one request sends again: each is a transaction, and the API has 29 s. */
const REPLAYED_AT_ONCE = 200;
const REPLAYED_TOGETHER = 10;

const pageSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});
const replaySchema = z.strictObject({ since: instantSchema, cursor: z.string().optional() });

/** Everything here is of the token's own project, whoever asks. */
const projectOf = ({ principal }: ApiRequest): string => {
  if (!principal?.projectId) throw new ForbiddenError("the token is of no project");
  return principal.projectId;
};

const subscriptionOf = (request: ApiRequest): Promise<Subscription> =>
  subscriptions.get(projectOf(request), pathParameter(request.params["id"], z.uuid()));

/** The answer alone has the secret: it can be asked for no other time. */
const subscribe = async (request: ApiRequest): Promise<Reply> => {
  const body = parseBody(newSubscriptionSchema, request);
  const objection = await hooks.objection(body.url);
  if (objection !== null)
    throw new InvalidError("nothing may be sent to this url", [
      { path: "url", code: "url_refused", message: objection },
    ]);
  const subscription: Subscription = {
    schema: 1,
    subscription_id: randomUUID(),
    project_id: projectOf(request),
    ...body,
    created_at: request.now,
    created_by: request.principal?.name ?? "",
  };
  const secret = await hooks.secretFor(subscription.subscription_id);
  await subscriptions.add(subscription, settings.LULL_MAX_SUBSCRIPTIONS);
  return { status: 201, body: { ...subscriptionViewOf(subscription), secret } };
};

const listSubscriptions = async (request: ApiRequest): Promise<Reply> => {
  const all = await subscriptions.list(projectOf(request));
  const oldestFirst = all.toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
  return { status: 200, body: { subscriptions: oldestFirst.map(subscriptionViewOf) } };
};

const showSubscription = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: subscriptionViewOf(await subscriptionOf(request)),
});

const unsubscribe = async (request: ApiRequest): Promise<Reply> => {
  const { project_id, subscription_id } = await subscriptionOf(request);
  await subscriptions.remove(project_id, subscription_id);
  return { status: 200, body: {} };
};

/** Sends now, past all lanes, and tells what came: a status, or why none did. */
const test = async (request: ApiRequest): Promise<Reply> => {
  parseOptionalBody(z.strictObject({}), request);
  const subscription = await subscriptionOf(request);
  const result = await hooks.test(subscription, `test_${randomUUID()}`, request.now);
  const status = result.kind === "answered" ? result.status : null;
  return {
    status: 200,
    body: {
      delivered: status !== null && status >= 200 && status < 300,
      status,
      error: result.kind === "answered" ? null : result.why,
    },
  };
};

/** Has what was sent, or given up, sent again, in the order of its events; what waits anyway is left alone. */
const replay = async (request: ApiRequest): Promise<Reply> => {
  const { since, cursor = null } = parseBody(replaySchema, request);
  const { subscription_id } = await subscriptionOf(request);
  const page = await deliveries.list(subscription_id, { limit: REPLAYED_AT_ONCE, cursor, since });
  const finished = page.deliveries.filter((delivery) => !isOpen(delivery));
  let count = 0;
  for (let first = 0; first < finished.length; first += REPLAYED_TOGETHER) {
    const together = finished.slice(first, first + REPLAYED_TOGETHER);
    const done = await Promise.all(
      together.map((before) => lanes.replay(before, replayed(before, request.now), request.now)),
    );
    count += done.filter(Boolean).length;
  }
  return { status: 202, body: { replayed: count, next_cursor: page.cursor } };
};

const listDeliveries = async (request: ApiRequest): Promise<Reply> => {
  const { limit, cursor = null } = parseQuery(pageSchema, request);
  const { subscription_id } = await subscriptionOf(request);
  const page = await deliveries.list(subscription_id, { limit, cursor });
  return {
    status: 200,
    body: { deliveries: page.deliveries.map(deliveryViewOf), next_cursor: page.cursor },
  };
};

export const handler = api([
  { method: "POST", path: "/v1/subscriptions", allow: WRITERS, run: subscribe },
  { method: "GET", path: "/v1/subscriptions", allow: MEMBERS, run: listSubscriptions },
  { method: "GET", path: "/v1/subscriptions/{id}", allow: MEMBERS, run: showSubscription },
  { method: "DELETE", path: "/v1/subscriptions/{id}", allow: WRITERS, run: unsubscribe },
  { method: "POST", path: "/v1/subscriptions/{id}/test", allow: WRITERS, run: test },
  { method: "POST", path: "/v1/subscriptions/{id}/replay", allow: WRITERS, run: replay },
  { method: "GET", path: "/v1/subscriptions/{id}/deliveries", allow: MEMBERS, run: listDeliveries },
]);
