import { randomUUID } from "node:crypto";
import { connect } from "amqplib";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { alarmReceiversOf, alarmRequest } from "../../lib/alarms/receivers.ts";
import { alarmNotificationsOf, enveloped, notificationsOf } from "../../lib/amqp/notifications.ts";
import { AmqpError, type Destination, withPublisher } from "../../lib/amqp/publisher.ts";
import { alarmEvent, firedBy } from "../../lib/domain/alarms.ts";
import { send } from "../../lib/egress.ts";
import { type Cloud, openCloud } from "../../lib/openstack/cloud.ts";
import { listServers } from "../../lib/openstack/compute/servers.ts";
import {
  type AlarmBody,
  decoded,
  firedByAodh,
  listened,
  startAlarmReceiver,
} from "./alarm-receiver.ts";
import { deleteAlarm, deleteAlarms, makeAlarm } from "./alarms.ts";
import { eventually } from "./contract/contract-cloud.ts";
import { busUrl, healLab, labClouds } from "./lab.ts";
import { cloudConfigOf, startLullOnLab } from "./lull-on-lab.ts";

/** An event of Lull on its way to an event alarm of a tenant, with a real Aodh and its own way beside it. */
let operator: Cloud;
let alice: Cloud;
let project: string;
let receiver: Awaited<ReturnType<typeof startAlarmReceiver>>;
const mine: string[] = [];

beforeAll(async () => {
  operator = openCloud(await cloudConfigOf(labClouds.operator));
  alice = openCloud(await cloudConfigOf(labClouds.alice));
  project = (await alice.whoami()).project?.id ?? "";
  await deleteAlarms(alice);
  receiver = await startAlarmReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await healLab();
});
afterEach(async () => {
  for (const id of mine.splice(0)) await deleteAlarm(alice, id);
  receiver.bodies.length = 0;
});

const subscribe = async (alarm: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const id = await makeAlarm(alice, {
    event_type: "maintenance.scheduled",
    alarm_actions: [receiver.url],
    ...alarm,
  });
  mine.push(id);
  return id;
};

const INSTANCE = "0b6e1c3a-6d0e-4a3b-9a35-3f0b6d1a2c4d";
/** Another one in each run: Aodh's listener skips a message that it remembers. */
const SESSION = randomUUID();

/** What both clients have to understand of it, by name; nothing of it is null or empty. */
const told = () => ({
  service: "lull",
  project_id: project,
  session_id: SESSION,
  state: "PREPARE_MAINTENANCE",
  instance_ids: [INSTANCE],
  allowed_actions: ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"],
  reply_url: `http://lull.example/v1/maintenance/${SESSION}/${project}/${INSTANCE}`,
  metadata: { openstack_version: "Train", os: "you're on ubuntu'", cpus: 8 },
});

let sequence = 0;
const anEvent = () => {
  sequence += 1;
  const at = "2026-11-22T10:00:00.000Z";
  const entity = `${SESSION}/${project}`;
  const instants = { actions_at: "2026-11-22T10:05:00.000Z", reply_at: null };
  const detail = { ...told(), ...instants, status_url: null, entity, sequence, at };
  return { type: "maintenance.scheduled", entity, sequence, at, detail };
};
type Event = ReturnType<typeof anEvent>;

const receiversOf = (event: Event) =>
  alarmReceiversOf(operator, project, event.detail, { aodh: "direct" });

/** The list of alarms is a few seconds old at most. */
const receiversWith = (event: Event, id: string) =>
  eventually(`alarm ${id} to be listed`, async () => {
    const found = await receiversOf(event);
    return found.some(({ alarm }) => alarm.alarm_id === id) && found;
  });

const ALARMS: Destination = { exchange: "", key: "alarm.all.sample", declare: null };

const publish = async (to: Destination, text: string): Promise<void> => {
  const broker = { url: await busUrl(), ca: "", timeoutMs: 10_000 };
  await withPublisher(broker, (put) => put(to, text));
};

const received = (count = 1): Promise<AlarmBody[]> =>
  eventually(`${count} alarm(s)`, async () => receiver.bodies.length >= count && receiver.bodies);

const byDirect = async (event: Event, id: string): Promise<AlarmBody> => {
  for (const one of await receiversWith(event, id))
    await send(
      { ...alarmRequest(one, event), timeoutMs: 10_000 },
      { allow: ["127.0.0.0/8"], deny: [] },
    );
  return (await received())[0] as AlarmBody;
};

describe("an alarm of a tenant", () => {
  it("gets from Lull what it gets from Aodh, and both real clients read it", async () => {
    const query = [
      { field: "traits.state", op: "eq", type: "string", value: "PREPARE_MAINTENANCE" },
    ];
    const id = await subscribe({ event_type: "maintenance.*", query });
    const event = anEvent();
    const direct = await byDirect(event, id);
    receiver.bodies.length = 0;
    for (const notification of alarmNotificationsOf(event, []))
      await publish(ALARMS, enveloped(notification, "v2"));
    const [bus] = await received();

    expect(direct).toEqual(bus);
    expect(direct.alarm_id).toBe(id);
    const read = await decoded(direct);
    expect(read.doctor).toEqual({ ...told(), actions_at: "2026-11-22T10:05:00" });
    expect(read.tacker).toEqual(read.doctor);
    expect(await decoded(bus as AlarmBody)).toEqual(read);
  });

  it.each(["v1", "v2"] as const)("is fired by the bus in envelope %s", async (format) => {
    const id = await subscribe();
    for (const notification of alarmNotificationsOf(anEvent(), []))
      await publish(ALARMS, enveloped(notification, format));
    expect((await received())[0]?.alarm_id).toBe(id);
  });

  it("is fired once by an event that comes twice in a row", async () => {
    const id = await subscribe();
    const twice = anEvent();
    for (const event of [twice, twice, anEvent()])
      for (const notification of alarmNotificationsOf(event, []))
        await publish(ALARMS, enveloped(notification, "v2"));
    const last = await eventually("the last event", async () => receiver.bodies[1]);
    expect(last?.alarm_id).toBe(id);
    const [first] = receiver.bodies;
    expect(last?.reason_data.event.message_id).not.toBe(first?.reason_data.event.message_id);
  });

  it("is none of another project's, nor of another state", async () => {
    const query = [{ field: "traits.state", op: "eq", type: "string", value: "SCALE_IN" }];
    const other = await subscribe({ query });
    const id = await subscribe();
    const found = await receiversWith(anEvent(), id);
    expect(found.map(({ alarm }) => alarm.alarm_id)).not.toContain(other);
    const his = (await openCloud(await cloudConfigOf(labClouds.bob)).whoami()).project?.id ?? "";
    const event = anEvent();
    expect(await alarmReceiversOf(operator, his, event.detail, { aodh: "direct" })).toEqual([]);
    expect(await alarmReceiversOf(operator, project, event.detail, { aodh: "bus" })).toEqual([]);
  });

  it("fires on its own events of a whole Lull by the bus", async () => {
    const id = await subscribe();
    const [server] = await listServers(alice.compute);
    const host = (await listServers(operator.compute, { all_tenants: true })).find(
      (one) => one.id === server?.id,
    )?.host;
    const lull = await startLullOnLab(
      labClouds.operator,
      { LULL_AODH: "bus", LULL_AMQP_SECRET: "lull/amqp" },
      { secrets: { "lull/amqp": await busUrl() } },
    );
    try {
      const session = await lull.open({
        hosts: [host],
        maintenance_at: new Date(Date.now() + 2_000).toISOString(),
        canary: false,
        soak_minutes: 0,
        reserve_hosts: 0,
        // The receiver answers nothing.
        dialogue: { reply_seconds: 5, scale_seconds: 5 },
      });
      const [body] = await received();
      expect(body?.alarm_id).toBe(id);
      expect((await decoded(body as AlarmBody)).tacker).toMatchObject({
        project_id: project,
        session_id: session,
      });
      await lull.ended(session, 200_000);
    } finally {
      await lull.close();
    }
  });
});

describe("the message bus", () => {
  const to: Destination = {
    exchange: "openstack",
    key: "lull-test.info",
    declare: { durable: false, arguments: {} },
  };
  const deleteQueue = async () => {
    const connection = await connect(await busUrl());
    await (await connection.createChannel()).deleteQueue(to.key);
    await connection.close();
  };
  beforeEach(deleteQueue);
  afterAll(deleteQueue);

  it("gives what listens to notifications what oslo.messaging's own notifier would", async () => {
    const sent = [anEvent(), anEvent()].flatMap((event) => notificationsOf(event, []));
    for (const [n, notification] of sent.entries())
      await publish(to, enveloped(notification, n === 0 ? "v1" : "v2"));
    expect(await listened(await busUrl(), "lull-test", 2)).toEqual(
      sent.map(({ publisher_id, event_type, payload, message_id, timestamp }) => [
        publisher_id,
        event_type,
        payload,
        message_id,
        timestamp,
      ]),
    );
  });

  it("refuses a queue of other options, and a message that no queue takes", async () => {
    const other = { ...to, declare: { durable: true, arguments: {} } };
    await publish(to, "{}");
    await expect(publish(other, "{}")).rejects.toMatchObject({ name: "AmqpError", sent: false });
    const nowhere = { exchange: "", key: "nobody-listens", declare: null };
    await expect(publish(nowhere, "{}")).rejects.toThrow(
      new AmqpError("no queue takes (default)/nobody-listens", false),
    );
  });

  it("that cannot be reached has certainly not taken it", async () => {
    const broker = { url: "amqp://lab:secret@127.0.0.1:1/", ca: "", timeoutMs: 2_000 };
    const failed = await withPublisher(broker, async () => {}).catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: "AmqpError", sent: false });
    expect(String(failed)).not.toContain("secret");
  });
});

it("Lull's judgement of alarms is Aodh's own", async () => {
  const value = fc.constantFrom(
    "PREPARE_MAINTENANCE",
    "lull",
    "",
    "5",
    "50",
    "5.5",
    " 7 ",
    "x",
    "Q",
  );
  const condition = fc.record({
    field: fc.constantFrom("traits.state", "traits.percent_done", "traits.none", "event_type"),
    op: fc.constantFrom("eq", "ne", "lt", "le", "gt", "ge", "like"),
    type: fc.constantFrom("", "string", "integer", "float", "boolean"),
    value,
  });
  const alarm = fc.record({
    name: fc.constant("one"),
    project_id: fc.constant("alpha"),
    type: fc.constant("event"),
    enabled: fc.constant(true),
    severity: fc.constant("low"),
    alarm_actions: fc.constant([]),
    state: fc.constantFrom("ok", "alarm", "insufficient data"),
    repeat_actions: fc.boolean(),
    event_rule: fc.record({
      event_type: fc.constantFrom("*", "maintenance.*", "maintenance.[rst]*", "compute.*"),
      query: fc.array(condition, { maxLength: 2 }),
    }),
  });
  const alarms = fc
    .sample(alarm, { numRuns: 2_000, seed: 1 })
    .map((one, n) => ({ ...one, alarm_id: String(n) }));
  const detail = { service: "lull", state: "PREPARE_MAINTENANCE", percent_done: 50 };
  const at = "2026-11-22T10:00:00.000Z";
  const event = alarmEvent({ type: "maintenance.session", at, detail }, "alpha", "message-1");
  const fired = firedBy(alarms, event).map(({ alarm_id }) => alarm_id);
  expect(fired.length).toBeGreaterThan(50);
  expect(fired).toEqual(await firedByAodh(alarms, event));
});
