import type { EventBridgeEvent } from "aws-lambda";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { secretOf } from "../../lib/delivery/signing.ts";
import { newDelivery } from "../../lib/domain/delivery.ts";
import type { ProjectEvent } from "../../lib/domain/events/project-event.ts";
import type { Subscription } from "../../lib/domain/subscription.ts";
import { deliveryStore } from "../../lib/store/deliveries.ts";
import { laneStore } from "../../lib/store/lanes.ts";
import { subscriptionStore } from "../../lib/store/subscriptions.ts";
import type { Table } from "../../lib/store/table.ts";
import { aProjectEvent } from "../delivery/builders.ts";
import { startReceiver, type TestReceiver } from "../delivery/receiver.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";

const KEY = "the deployment's key";

let dynamodb: DynamoDb;
let table: Table;
/** @param left milliseconds that the invocation has, where that matters */
let sink: (event: EventBridgeEvent<string, unknown>, left?: () => number) => Promise<void>;
const open: TestReceiver[] = [];
beforeAll(async () => {
  dynamodb = await startDynamoDb({}, { secretsmanager: () => ({ SecretString: KEY }) });
  table = dynamodb.newTable();
  Object.assign(process.env, {
    TABLE_NAME: table.name,
    BUS_NAME: "bus",
    SESSION_MACHINE_ARN: "s",
    HOST_MACHINE_ARN: "h",
    WEBHOOK_KEY: "key",
    LULL_CLOUD: "lab",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_AUTH_URL: "http://127.0.0.1:1/v3",
    LULL_EGRESS_ALLOW: "127.0.0.0/8",
    // There is no cloud, and so no alarm in it.
    LULL_AODH: "off",
    POWERTOOLS_LOG_LEVEL: "SILENT",
  });
  const { handler } = await import("../../functions/sinks/notify.ts");
  sink = (event, left = () => 900_000) => handler(event, { getRemainingTimeInMillis: left });
});
afterAll(() => dynamodb.close());
afterEach(async () => {
  await Promise.all(open.splice(0).map((receiver) => receiver.close()));
});

const receive: typeof startReceiver = async (behave) => {
  const receiver = await startReceiver(behave);
  open.push(receiver);
  return receiver;
};

const subscribe = async (
  project_id: string,
  { url }: { readonly url: string },
  events: Subscription["events"] = ["maintenance.scheduled"],
) => {
  const subscription_id = crypto.randomUUID();
  await subscriptionStore(table).add(
    {
      schema: 1,
      subscription_id,
      project_id,
      url,
      events,
      description: "",
      created_at: NOW,
      created_by: "somebody",
    },
    10,
  );
  return subscription_id;
};

const deliver = (detail: ProjectEvent, left?: () => number) =>
  sink(
    {
      "detail-type": detail.type,
      time: detail.at,
      detail,
    } as unknown as EventBridgeEvent<string, unknown>,
    left,
  );

const newProject = () => `project-${crypto.randomUUID()}`;
const reach = async ({ session_id, project_id, at }: ProjectEvent) =>
  (await deliveryStore(table).reachOf(session_id, project_id, at)).kind;

describe("an event", () => {
  test("reaches every receiver of its project, signed, and nobody else", async () => {
    const project_id = newProject();
    const [one, other, foreign] = [await receive(), await receive(), await receive()];
    const id = await subscribe(project_id, one);
    await subscribe(project_id, other);
    await subscribe(newProject(), foreign);
    const event = aProjectEvent(0, { project_id });
    await deliver(event);

    expect([one, other, foreign].map(({ received }) => received.length)).toEqual([1, 1, 0]);
    const { type, entity, sequence, at, ...data } = event;
    const [{ headers, text, body } = { headers: {}, text: "", body: null }] = one.received;
    expect(body).toEqual({ type, timestamp: at, data });
    expect(text).not.toContain(`"entity":"${entity}"`);
    expect(sequence).toBe(0);
    // The signature says when it was sent, and the library wants that to be about now.
    const signature = new Webhook(secretOf(KEY, id)).sign(
      headers["webhook-id"] ?? "",
      new Date(Number(headers["webhook-timestamp"]) * 1000),
      text,
    );
    expect(headers["webhook-signature"]).toBe(signature);
    expect(await reach(event)).toBe("reached");
  });

  test("of a project that nobody subscribed to is told to nobody, which is known", async () => {
    const event = aProjectEvent(0, { project_id: newProject() });
    expect(await reach(event)).toBe("pending");
    await deliver(event);

    expect(await reach(event)).toBe("none");
  });

  test("reaches only those that want its type, and says nothing of whether a question was heard", async () => {
    const project_id = newProject();
    const [old, new_] = [await receive(), await receive()];
    await subscribe(project_id, old);
    await subscribe(project_id, new_, ["maintenance.override"]);
    const event = aProjectEvent(0, {
      project_id,
      type: "maintenance.override",
      state: "OVERRIDDEN",
    });
    await deliver(event);

    expect(old.received).toEqual([]);
    expect(new_.received).toMatchObject([{ body: { type: "maintenance.override" } }]);
    expect(await reach(event)).toBe("pending");
  });

  test("that comes twice at once is sent once", async () => {
    const project_id = newProject();
    const receiver = await receive();
    await subscribe(project_id, receiver);
    const event = aProjectEvent(0, { project_id });
    await Promise.all([deliver(event), deliver(event), deliver(event)]);
    await deliver(event);

    expect(receiver.received).toHaveLength(1);
  });

  test("of an earlier version, which asks for nothing, is sent as it is", async () => {
    const project_id = newProject();
    const receiver = await receive();
    await subscribe(project_id, receiver);
    const { reply_at: _, ...event } = aProjectEvent(0, { project_id });
    await deliver(event as ProjectEvent);

    expect(receiver.received).toHaveLength(1);
  });

  test("to a receiver that hangs delays no other", async () => {
    const project_id = newProject();
    const hanging = await receive(() => undefined);
    const prompt = await receive();
    await subscribe(project_id, hanging);
    await subscribe(project_id, prompt);
    let left = 900_000;
    const all = Array.from({ length: 20 }, (_, n) =>
      deliver(aProjectEvent(n, { project_id }), () => left),
    );
    await prompt.when(20);

    expect(hanging.received.length).toBeLessThanOrEqual(1);
    left = 1_000;
    await hanging.close();
    await Promise.all(all);
  });

  test("does not follow a redirect", async () => {
    const project_id = newProject();
    const elsewhere = await receive();
    const receiver = await receive((response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    await subscribe(project_id, receiver);
    const left = () => (receiver.received.length === 0 ? 900_000 : 1_000);
    await deliver(aProjectEvent(0, { project_id }), left);

    expect(receiver.received).toHaveLength(1);
    expect(elsewhere.received).toEqual([]);
  });
});

test("a subscription that was deleted is sent nothing more", async () => {
  const project_id = newProject();
  const receiver = await receive((response) => {
    response.writeHead(410).end();
  });
  const id = await subscribe(project_id, receiver);
  const event = aProjectEvent(0, { project_id });
  await deliver(event);
  await subscriptionStore(table).remove(project_id, id);
  await deliver(aProjectEvent(1, { project_id }));

  expect(receiver.received).toHaveLength(1);
  expect(await reach(event)).toBe("not_reached");
});

test("a lane that is named is worked", async () => {
  const project_id = newProject();
  const receiver = await receive();
  const id = await subscribe(project_id, receiver);
  const event = aProjectEvent(0, { project_id });
  const lane = { receiver_id: id, session_id: event.session_id };
  const to = { kind: "webhook", receiver_id: id, url: receiver.url } as const;
  await laneStore(table).append(newDelivery(event, to, "msg_1"), NOW);
  const due = { "detail-type": "delivery.due", time: NOW, detail: { ...lane, entity: "x" } };
  await sink(due as unknown as EventBridgeEvent<string, unknown>);

  expect(receiver.received).toHaveLength(1);
});
