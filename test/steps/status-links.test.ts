import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { serversOn } from "../../lib/fleet/guests.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import {
  endStatusLinks,
  removeStatusLinks,
  writeStatusLinks,
} from "../../lib/steps/status-links.ts";
import { intentStore } from "../../lib/store/intents.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { aMove } from "../domain/builders.ts";
import { quickCloud } from "../end-to-end/quick-cloud.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const KEY = "maintenance:status_url";
const HOST = "cmp-01";

/** A host with so many instances, whose owners have all been told. */
const hostOf = async (instances: number) => {
  const cloud = quickCloud({ hosts: 1, instances: 0 });
  for (let n = 0; n < instances; n++)
    cloud.instances.push({ name: `web-${n}`, project: "alpha", flavor: "m1.tiny", host: HOST });
  const simulator = await startSimulator({ clock: scaledClock(), cloud });
  onTestFinished(simulator.close);
  const table = dynamodb.newTable();
  const ref = await startRun(table, HOST);
  const intents = intentStore(table);
  const client = openCloud(simulator.config);
  const context = {
    cloud: async () => client,
    intents,
    ref,
    now: NOW,
    run: { host: HOST },
    session: { session_id: "session-1" },
    settings: { LULL_PUBLIC_URL: "https://lull.example", LULL_STATUS_IN_METADATA: true },
  };
  const servers = await serversOn(client, HOST);
  const moves = servers.map(({ id }) => aMove({ instance_id: id, asked_by: ref.run_id }));
  const made = () => intents.list(ref.run_id);
  return {
    simulator,
    servers,
    made,
    write: async () => writeStatusLinks(context, servers, moves, await made()),
    remove: async () => removeStatusLinks(context, await made(), () => true),
    end: async () => endStatusLinks(context, await made()),
    linked: () =>
      [...simulator.world.instances.values()].filter(({ metadata }) => KEY in metadata).length,
    fail: (method: string, path: string, status: number) =>
      simulator.happen({
        kind: "fault",
        fault: { service: "compute", method, path, effect: { kind: "error", status } },
      }),
    breakOff: (method: string) =>
      simulator.happen({
        kind: "fault",
        fault: { service: "compute", method, path: "/metadata/", effect: { kind: "reset_before" } },
      }),
  };
};

describe("the status links of a host with more instances than one round has time for", () => {
  test("are written and taken away in several rounds", async () => {
    const host = await hostOf(50);

    expect([await host.write(), host.linked()]).toEqual([true, 40]);
    expect([await host.write(), host.linked()]).toEqual([false, 50]);
    await host.remove();
    expect(host.linked()).toBe(10);
    await host.remove();
    expect(host.linked()).toBe(0);
  });

  test("are all taken away at its end", async () => {
    const host = await hostOf(50);
    await host.write();
    await host.write();
    await host.end();

    expect(host.linked()).toBe(0);
    expect((await host.made()).map(({ outcome }) => outcome)).toEqual(Array(100).fill("done"));
  });

  test("wait for the next round when Nova gives no answer", async () => {
    const host = await hostOf(20);
    host.breakOff("PUT");

    expect(await host.write()).toBe(true);
    expect(await host.made()).toHaveLength(8);
    host.simulator.happen({ kind: "clear_faults" });
    expect([await host.write(), host.linked()]).toEqual([false, 20]);
  });
});

describe("a status link about which Nova answers 500", () => {
  test("keeps no other from being written, is written in a later round, and counts as tried", async () => {
    const host = await hostOf(3);
    const [first] = host.servers;
    host.fail("PUT", `^/servers/${first?.id}/metadata/`, 500);

    expect([await host.write(), host.linked()]).toEqual([false, 2]);
    host.simulator.happen({ kind: "clear_faults" });
    await host.write();
    expect(host.linked()).toBe(3);
  });

  test("is settled as failed at the end", async () => {
    const host = await hostOf(2);
    const [first] = host.servers;
    host.fail("PUT", `^/servers/${first?.id}/metadata/`, 500);
    await host.write();
    host.fail("DELETE", "/metadata/", 503);
    await host.remove();
    expect((await host.made()).map(({ outcome }) => outcome)).toContain(null);
    await host.end();

    const outcomes = (await host.made()).map(({ effect, outcome }) => [effect, outcome]);
    expect(outcomes).toContainEqual([`status_link#${first?.id}`, "failed"]);
    expect(outcomes.map(([, outcome]) => outcome)).not.toContain(null);
  });
});
