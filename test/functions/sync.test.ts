import type { EventBridgeEvent } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requestSync } from "../../lib/domain/sync.ts";
import { type HostStore, hostStore } from "../../lib/store/hosts.ts";
import { type SyncStore, syncStore } from "../../lib/store/syncs.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
let cloud: Simulator;
let hosts: HostStore;
let syncs: SyncStore;
let handler: (event: EventBridgeEvent<string, unknown>) => Promise<void>;

beforeAll(async () => {
  const { hosts: specs, ...spec } = cloudOf({ hosts: 3, instances: 0 });
  cloud = await startSimulator({
    clock: scaledClock(),
    // The last host lies in a cell of its own.
    cloud: {
      ...spec,
      hosts: specs.map((host, n) => (n === 2 ? { ...host, cell: "cell2" } : host)),
    },
  });
  const secret = () => ({ Name: "lull/cloud", SecretString: JSON.stringify(cloud.config) });
  dynamodb = await startDynamoDb({}, { secretsmanager: secret });
  const table = dynamodb.newTable();
  Object.assign(process.env, {
    TABLE_NAME: table.name,
    BUS_NAME: "bus",
    SESSION_MACHINE_ARN: "arn:session",
    HOST_MACHINE_ARN: "arn:host",
    LULL_CLOUD: "lab",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_AUTH_URL: cloud.authUrl,
    POWERTOOLS_LOG_LEVEL: "SILENT",
  });
  hosts = hostStore(table);
  syncs = syncStore(table);
  ({ handler } = await import("../../functions/engine/sync.ts"));
});
afterAll(async () => {
  dynamodb.close();
  await cloud.close();
});

/** Asks for a sync, has it done, and tells what came of it. */
const sync = async () => {
  const wish = requestSync(crypto.randomUUID(), NOW);
  await syncs.request(wish);
  await deliver(wish.sync_id);
  return syncs.get(wish.sync_id);
};

const deliver = (sync_id: string) =>
  handler({ time: NOW, detail: { sync_id } } as EventBridgeEvent<string, unknown>);

const inventory = () => hosts.byName("RegionOne");

describe("a sync", () => {
  test("brings every compute host of the cloud into the inventory", async () => {
    expect(await sync()).toMatchObject({ state: "DONE", seen: 3, created: 3, updated: 0, gone: 0 });
    expect((await inventory()).get("cmp-01")).toMatchObject({
      cloud: "lab",
      region: "RegionOne",
      zone: "nova",
      service: { status: "enabled", state: "up", disabled_reason: null },
      hypervisor: { version: 1_000 },
      gone: false,
      version: 1,
    });
    expect(await hosts.regions()).toEqual([{ cloud: "lab", region: "RegionOne" }]);
  });

  test("that finds nothing new writes nothing new", async () => {
    expect(await sync()).toMatchObject({ state: "DONE", seen: 3, created: 0, updated: 0, gone: 0 });
    expect((await inventory()).get("cmp-01")?.version).toBe(1);
  });

  test("that is delivered twice tells its first end", async () => {
    const wish = requestSync(crypto.randomUUID(), NOW);
    await syncs.request(wish);
    await deliver(wish.sync_id);
    cloud.happen({ kind: "fault", fault: { effect: { kind: "error", status: 500 } } });
    await deliver(wish.sync_id);
    cloud.happen({ kind: "clear_faults" });

    expect(await syncs.get(wish.sync_id)).toMatchObject({ state: "DONE" });
  });

  test("counts a host whose cell does not answer, and says nothing of it that it cannot know", async () => {
    const before = (await inventory()).get("cmp-03");
    cloud.happen({ kind: "cell_down", cell: "cell2" });

    expect(await sync()).toMatchObject({ state: "DONE", seen: 3, updated: 0, gone: 0 });
    expect((await inventory()).get("cmp-03")).toEqual(before);
    cloud.happen({ kind: "cell_up", cell: "cell2" });
  });

  test("marks a host that Nova no longer lists, and takes it back when it is there again", async () => {
    const { hosts: world } = cloud.world;
    const lost = world.get("cmp-02");
    world.delete("cmp-02");
    expect(await sync()).toMatchObject({ seen: 2, gone: 1 });
    expect((await inventory()).get("cmp-02")).toMatchObject({ gone: true, version: 2 });

    if (lost) world.set("cmp-02", lost);
    expect(await sync()).toMatchObject({ seen: 3, created: 0, updated: 1, gone: 0 });
    expect((await inventory()).get("cmp-02")).toMatchObject({ gone: false, version: 3 });
  });

  test("that the cloud does not let happen says why, and takes no host for gone", async () => {
    cloud.happen({
      kind: "fault",
      fault: { service: "compute", effect: { kind: "error", status: 403, message: "not you" } },
    });
    const failed = await sync();
    cloud.happen({ kind: "clear_faults" });

    expect(failed).toMatchObject({ state: "FAILED", error: expect.stringContaining("403") });
    expect([...(await inventory()).values()].map(({ gone }) => gone)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test("that nobody asked for, because it was time, is done all the same", async () => {
    const { hosts: world } = cloud.world;
    world.delete("cmp-03");
    await handler({ time: NOW, detail: {} } as EventBridgeEvent<string, unknown>);

    expect((await inventory()).get("cmp-03")).toMatchObject({ gone: true });
  });
});
