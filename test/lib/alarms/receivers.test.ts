import { afterAll, beforeAll, expect, test } from "vitest";
import { alarmReceiversOf, alarmRequest } from "../../../lib/alarms/receivers.ts";
import { type Cloud, openCloud } from "../../../lib/openstack/cloud.ts";
import { scaledClock } from "../../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../../localstack/openstack/spec.ts";
import { deleteAlarm, makeAlarm } from "../../openstack/alarms.ts";

let simulator: Simulator;
let alice: Cloud;
let project: string;

beforeAll(async () => {
  simulator = await startSimulator({
    clock: scaledClock(1),
    cloud: cloudOf({ hosts: 1, instances: 0 }),
  });
  const config = simulator.tenants["alpha"];
  if (!config) throw new Error("no project alpha");
  alice = openCloud(config);
  project = (await alice.whoami()).project?.id ?? "";
});
afterAll(() => simulator?.close());

const at = "2026-11-22T10:00:00.000Z";
const ours = { entity: "session-1/alpha", sequence: 3, at };
const detail = { ...ours, state: "MAINTENANCE" };
const lull = () => openCloud(simulator.config);

test("each web address of an alarm is a receiver; an alarm without one is none", async () => {
  const alarm_actions = ["http://a.example/x", "trust+http://b.example/", "https://c.example/y"];
  await makeAlarm(alice, { event_type: "maintenance.scheduled", alarm_actions });
  await makeAlarm(alice, { event_type: "maintenance.scheduled" });
  await makeAlarm(alice, { event_type: "maintenance.host", alarm_actions });
  const found = await alarmReceiversOf(lull(), project, detail, { aodh: "direct" });
  expect(found.map(({ kind, url }) => ({ kind, url }))).toEqual([
    { kind: "alarm", url: "http://a.example/x" },
    { kind: "alarm", url: "https://c.example/y" },
  ]);
});

test("an address is one receiver, the same whatever becomes of the alarms that name it", async () => {
  const at = (path: string) => `http://one.example/${path}`;
  const receivers = async () => {
    const found = await alarmReceiversOf(lull(), project, detail, { aodh: "direct" });
    return found.filter(({ url }) => url.toLowerCase().startsWith("http://one.example/"));
  };
  const make = (...alarm_actions: string[]) =>
    makeAlarm(alice, { event_type: "maintenance.scheduled", alarm_actions });
  await make(at("a"));
  const [first] = await receivers();
  await make(at("b"), at("a"), "HTTP://ONE.example/a");
  const both = await receivers();

  expect(both).toHaveLength(2);
  expect(both.filter(({ id }) => id === first?.id)).toHaveLength(1);
});

test("no more than ten addresses of a project are told of an event", async () => {
  const cloud = lull();
  const alarm_actions = Array.from({ length: 30 }, (_, n) => `http://many.example/${n}`);
  const ids = [
    await makeAlarm(alice, { event_type: "maintenance.scheduled", alarm_actions }),
    await makeAlarm(alice, { event_type: "maintenance.*", alarm_actions }),
  ];
  const receivers = () => alarmReceiversOf(cloud, project, detail, { aodh: "direct" });
  const told = await receivers();

  expect(told).toHaveLength(10);
  expect(await receivers()).toEqual(told);
  await Promise.all(ids.map((id) => deleteAlarm(alice, id)));
});

test("alarms are listed anew for another burst of events only", async () => {
  const cloud = lull();
  const receivers = async () =>
    (await alarmReceiversOf(cloud, project, detail, { aodh: "direct" })).length;
  const before = await receivers();
  const alarm_actions = ["http://late.example/x"];
  await makeAlarm(alice, { event_type: "maintenance.scheduled", alarm_actions });
  expect(await receivers()).toBe(before);
  expect(await alarmReceiversOf(lull(), project, detail, { aodh: "direct" })).toHaveLength(
    before + 1,
  );
});

test.each(["bus", "off"] as const)(
  "nobody is served directly when alarms are served by %s",
  async (aodh) => {
    expect(await alarmReceiversOf(lull(), project, detail, { aodh })).toEqual([]);
  },
);

test("a cloud without Aodh has no receivers", async () => {
  const bare = await startSimulator({
    clock: scaledClock(1),
    cloud: { ...cloudOf({ hosts: 1, instances: 0 }), alarming: false },
  });
  try {
    expect(
      await alarmReceiversOf(openCloud(bare.config), project, detail, { aodh: "direct" }),
    ).toEqual([]);
  } finally {
    await bare.close();
  }
});

test("the same event is the same request, however often it is sent", async () => {
  const [receiver] = await alarmReceiversOf(lull(), project, detail, { aodh: "direct" });
  if (!receiver) throw new Error("no receiver");
  const event = { type: "maintenance.scheduled", ...ours, detail };
  const request = alarmRequest(receiver, event);
  expect(request).toEqual(alarmRequest(receiver, event));
  const { message_id } = JSON.parse(request.body).reason_data.event;
  expect(request).toMatchObject({
    url: receiver.url,
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-openstack-request-id": `req-${message_id}`,
    },
  });
});
