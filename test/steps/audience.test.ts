import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import type { Subscription } from "../../lib/domain/subscription.ts";
import { type Cloud, openCloud } from "../../lib/openstack/cloud.ts";
import { audience } from "../../lib/steps/audience.ts";
import { deliveryStore } from "../../lib/store/deliveries.ts";
import { subscriptionStore } from "../../lib/store/subscriptions.ts";
import type { Table } from "../../lib/store/table.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { anAsk, aSession, NOW } from "../domain/builders.ts";
import { deleteAlarm, makeAlarm } from "../openstack/alarms.ts";
import { type DynamoDb, startDynamoDb } from "../store/dynamodb.ts";

let simulator: Simulator;
let dynamodb: DynamoDb;
let alice: Cloud;
let project_id: string;

beforeAll(async () => {
  dynamodb = await startDynamoDb();
  simulator = await startSimulator({
    clock: scaledClock(1),
    cloud: cloudOf({ hosts: 1, instances: 0 }),
  });
  const config = simulator.tenants["alpha"];
  if (!config) throw new Error("no project alpha");
  alice = openCloud(config);
  project_id = (await alice.whoami()).project?.id ?? "";
});
afterAll(() => Promise.all([simulator?.close(), dynamodb?.close()]));

/** Whether the project listens to a question, by these means. */
const hears = (table: Table, LULL_AODH: "direct" | "bus" | "off"): Promise<boolean> => {
  const heard = audience({
    settings: { LULL_AODH },
    subscriptions: subscriptionStore(table),
    deliveries: deliveryStore(table),
    cloud: async () => openCloud(simulator.config),
  });
  const ask = anAsk({ project_id, allowed_actions: ["MIGRATE"] });
  const links = { publicUrl: "https://lull.example", hostId: "host-id" };
  return heard.listens(project_id, maintenanceScheduled(aSession(), ask, links));
};

/** The same, while it has this alarm alone. */
const listens = async (
  alarm: Readonly<Record<string, unknown>>,
  LULL_AODH: "direct" | "bus" | "off" = "direct",
): Promise<boolean> => {
  const id = await makeAlarm(alice, { event_type: "maintenance.*", ...alarm });
  try {
    return await hears(dynamodb.newTable(), LULL_AODH);
  } finally {
    await deleteAlarm(alice, id);
  }
};

describe("a project listens", () => {
  test.each([
    ["http://vnfm.example/", "direct", true],
    ["http://vnfm.example/", "bus", true],
    ["http://vnfm.example/", "off", false],
    ["trust+https://vnfm.example/", "direct", false],
    ["trust+https://vnfm.example/", "bus", true],
    ["log://", "direct", false],
    ["log://", "bus", false],
  ] as const)(
    "by an alarm with action %s where alarms are served by %s: %s",
    async (url, by, is) => {
      expect(await listens({ alarm_actions: [url] }, by)).toBe(is);
    },
  );

  test.each([
    [["maintenance.scheduled"], true],
    [["maintenance.override", "maintenance.scheduled"], true],
    [["maintenance.override"], false],
  ] satisfies [Subscription["events"], boolean][])(
    "by a webhook for %j: %s",
    async (events, is) => {
      const table = dynamodb.newTable();
      const subscription: Subscription = {
        schema: 1,
        subscription_id: crypto.randomUUID(),
        project_id,
        url: "https://vnfm.example/",
        events,
        description: "",
        created_at: NOW,
        created_by: "alice",
      };
      await subscriptionStore(table).add(subscription, 10);

      expect(await hears(table, "off")).toBe(is);
    },
  );

  test("by an alarm that asks for anything that the question would say", async () => {
    const on = (field: string, value: string, op = "eq") =>
      listens({
        alarm_actions: ["http://vnfm.example/"],
        query: [{ field: `traits.${field}`, op, type: "string", value }],
      });

    expect(await on("status_url", "https://lull.example/status/project/host-id")).toBe(true);
    expect(await on("allowed_actions", '["MIGRATE"]')).toBe(true);
    expect(await on("allowed_actions", '["MIGRATE"]', "ne")).toBe(false);
    expect(await on("session_id", "another")).toBe(false);
  });
});
