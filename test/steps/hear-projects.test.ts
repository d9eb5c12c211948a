import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { later } from "../../lib/domain/instant.ts";
import type { Asking } from "../../lib/domain/session.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { hearProjects } from "../../lib/steps/hear-projects.ts";
import type { SessionContext } from "../../lib/steps/session-step.ts";
import { askStore } from "../../lib/store/asks.ts";
import { cloudHealth } from "../../lib/store/cloud-health.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { anAsk, aSession } from "../domain/builders.ts";
import { quickCloud } from "../end-to-end/quick-cloud.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
let simulator: Simulator;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
  const cloud = quickCloud({ hosts: 1, instances: 0 });
  simulator = await startSimulator({ clock: scaledClock(), cloud });
});
afterAll(async () => {
  dynamodb.close();
  await simulator.close();
});

/** A session that waits for a project whose time to answer is over, with nothing heard. */
const openSilent = async () => {
  const table = dynamodb.newTable();
  const asks = askStore(table);
  const session = aSession({ hosts: ["cmp-01"] });
  const ref = { run_id: session.session_id, generation: 1 };
  await sessionStore(table).open(session, maintenanceSession(session, 0, NOW));
  const ask = anAsk({ ask_id: "MAINTENANCE", state: "MAINTENANCE" });
  const links = { publicUrl: "https://lull.invalid", hostId: null };
  await asks.open(ref, ask, { event: maintenanceScheduled(session, ask, links) });
  const sessionProjects = sessionProjectStore(table);
  const { session_id, created_at } = session;
  const told = { ...ask, session_id, project_id: "told-only", expects_reply: false };
  await asks.open(ref, told, { event: maintenanceScheduled(session, told, links) });
  for (const { project_id } of [ask, told])
    await sessionProjects.add({ schema: 1, session_id, project_id, created_at, instance_ids: [] });
  const asking: Asking = { state: "MAINTENANCE", ask_id: ask.ask_id, project_ids: [], since: NOW };
  const health = cloudHealth(table);
  const context = {
    asks,
    sessionProjects,
    session,
    health,
    now: ask.reply_at,
    audience: {
      listens: async () => true,
      reachOf: async () => ({ kind: "reached", since: null }) as const,
    },
    cloud: async () => openCloud(simulator.config),
  };
  return {
    health,
    ask,
    hear: () => hearProjects(context as unknown as SessionContext, asking),
  };
};

describe("a project of which nothing was heard in time", () => {
  test("was silent, when the cloud is well", async () => {
    const { hear } = await openSilent();

    expect(await hear()).toMatchObject({ until: null, answers: [{ hearing: { kind: "silent" } }] });
  });

  test("has a minute more when the cloud is found unwell, which all are told", async () => {
    const { hear, health, ask } = await openSilent();
    simulator.happen({
      kind: "fault",
      fault: { service: "identity", effect: { kind: "error", status: 503 } },
    });

    expect((await hear()).until).toBe(later(ask.reply_at, 60));
    expect(await health.why()).not.toBeNull();
  });
});
