import type { EventBridgeEvent } from "aws-lambda";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { alarmNotificationsOf } from "../../lib/amqp/notifications.ts";
import { readSettings } from "../../lib/config.ts";
import { alarms } from "../../lib/delivery/alarm.ts";
import { newDelivery } from "../../lib/domain/delivery.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { aProjectEvent, aReceiver } from "../delivery/builders.ts";
import { startReceiver, type TestReceiver } from "../delivery/receiver.ts";
import { makeAlarm } from "../openstack/alarms.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
let simulator: Simulator;
let sink: (event: EventBridgeEvent<string, unknown>) => Promise<void>;
let listed: string;
let receivers: Record<"ours" | "other" | "foreign", TestReceiver>;

const memberOf = (project: string) => {
  const config = simulator.tenants[project];
  if (!config) throw new Error(`no project ${project}`);
  return openCloud(config);
};
const projectOf = async (project: string) => (await memberOf(project).whoami()).project?.id ?? "";
const state = (value: string) => [
  { field: "traits.state", op: "eq", type: "string", value },
  { field: "traits.host", op: "ne", type: "string", value: "cmp-99" },
];

beforeAll(async () => {
  simulator = await startSimulator({
    clock: scaledClock(1),
    cloud: cloudOf({ hosts: 1, instances: 0, projects: 2 }),
  });
  dynamodb = await startDynamoDb(
    {},
    { secretsmanager: () => ({ SecretString: JSON.stringify(simulator.config) }) },
  );
  listed = await projectOf("alpha");
  const [ours, other, foreign] = [
    await startReceiver(),
    await startReceiver(),
    await startReceiver(),
  ];
  receivers = { ours, other, foreign };
  const inspector = memberOf("alpha");
  const of = (event_type: string, { url }: TestReceiver, query: object[]) => ({
    event_type,
    query,
    alarm_actions: [url],
  });
  await makeAlarm(inspector, of("maintenance.host", ours, state("IN_MAINTENANCE")));
  await makeAlarm(inspector, of("maintenance.session", other, []));
  await makeAlarm(memberOf("beta"), of("maintenance.*", foreign, []));
  await makeAlarm(memberOf("beta"), of("*", foreign, []));
  Object.assign(process.env, {
    TABLE_NAME: dynamodb.newTable().name,
    BUS_NAME: "bus",
    SESSION_MACHINE_ARN: "s",
    HOST_MACHINE_ARN: "h",
    WEBHOOK_KEY: "key",
    LULL_CLOUD: "lab",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_AUTH_URL: simulator.authUrl,
    LULL_EGRESS_ALLOW: "127.0.0.0/8",
    LULL_AODH: "direct",
    LULL_HOST_EVENT_PROJECTS: listed,
    POWERTOOLS_LOG_LEVEL: "SILENT",
  });
  const { handler } = await import("../../functions/sinks/notify.ts");
  sink = (event) => handler(event, { getRemainingTimeInMillis: () => 900_000 });
});
afterAll(async () => {
  await Promise.all(Object.values(receivers).map((receiver) => receiver.close()));
  dynamodb.close();
  await simulator.close();
});
beforeEach(() => {
  for (const { received } of Object.values(receivers)) received.splice(0);
});

const happened = (type: string, n: number, detail: object) => ({
  type,
  entity: "session-1/cmp-01",
  sequence: n,
  at: NOW,
  detail: {
    service: "lull",
    session_id: "session-1",
    entity: "session-1/cmp-01",
    sequence: n,
    at: NOW,
    ...detail,
  },
});
const tell = ({ type, at, detail }: ReturnType<typeof happened>) =>
  sink({ "detail-type": type, time: at, detail } as unknown as EventBridgeEvent<string, unknown>);
const counts = () =>
  Object.entries(receivers).map(([name, { received }]) => [name, received.length]);

describe("an event that names a host", () => {
  test("fires the alarms of a listed project whose conditions are met, once, and nobody else's", async () => {
    const event = happened("maintenance.host", 1, { host: "cmp-01", state: "IN_MAINTENANCE" });
    await tell(event);
    await tell(event);

    expect(counts()).toEqual([
      ["ours", 1],
      ["other", 0],
      ["foreign", 0],
    ]);
    // Whoever listens on the bus gets the very same message.
    const [onBus] = alarmNotificationsOf(event, [listed]);
    expect([receivers.ours.received[0]?.body.reason_data.event]).toEqual(onBus?.payload);
  });

  test("fires no alarm that asks for another state", async () => {
    await tell(happened("maintenance.host", 2, { host: "cmp-01", state: "MAINTENANCE_COMPLETE" }));

    expect(counts().every(([, count]) => count === 0)).toBe(true);
  });

  test("of a session is one, too", async () => {
    await tell(
      happened("maintenance.session", 3, { state: "MAINTENANCE_DONE", percent_done: 100 }),
    );

    expect(counts()).toEqual([
      ["ours", 0],
      ["other", 1],
      ["foreign", 0],
    ]);
  });
});

describe("alarms on hosts", () => {
  const kindOf = (settings: object) =>
    alarms({ ...readSettings(), ...settings }, async () => openCloud(simulator.config));
  const event = (project_id: string) =>
    aProjectEvent(1, { type: "maintenance.host", state: "IN_MAINTENANCE", project_id });

  test("are served one way: directly, or by the bus, or not at all", async () => {
    const found = (LULL_AODH: string) => kindOf({ LULL_AODH }).find(event(listed));

    expect(await found("direct")).toHaveLength(1);
    expect(await found("bus")).toEqual([]);
    expect(await found("off")).toEqual([]);
  });

  test("of a project that is not listed are none", async () => {
    expect(await kindOf({}).find(event(await projectOf("beta")))).toEqual([]);
  });

  test("are not sent any more once their project is not listed", async () => {
    const receiver = aReceiver("alarm", receivers.ours.url);
    const delivery = newDelivery(event(listed), receiver, "msg_1");
    const { kind } = await kindOf({ LULL_HOST_EVENT_PROJECTS: [] }).send(delivery, NOW);

    expect(kind).toBe("refused");
    expect(receivers.ours.received).toEqual([]);
  });
});
