import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { later, secondsUntil } from "../../lib/domain/instant.ts";
import type { Asking, Session } from "../../lib/domain/session.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { hearProjects } from "../../lib/steps/hear-projects.ts";
import type { SessionContext } from "../../lib/steps/session-step.ts";
import { askStore } from "../../lib/store/asks.ts";
import { cloudHealth } from "../../lib/store/cloud-health.ts";
import { freezeStore } from "../../lib/store/freeze.ts";
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

afterEach(() => simulator.happen({ kind: "clear_faults" }));

/**
 * A session that waits for a project whose time to answer is over, with nothing heard.
 *
 * @param late seconds since then
 */
const openSilent = async (but: Partial<Session> = {}, late = 0) => {
  const table = dynamodb.newTable();
  const asks = askStore(table);
  const freeze = freezeStore(table);
  const session = aSession({ hosts: ["cmp-01"], ...but });
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
    freeze,
    now: later(ask.reply_at, late),
    audience: {
      listens: async () => true,
      reachOf: async () => ({ kind: "reached", since: null }) as const,
    },
    cloud: async () => openCloud(simulator.config),
  };
  return {
    health,
    freeze,
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

describe("a project that has said nothing when its time is over", () => {
  const HOUR = 3_600;
  const left = async (but: Partial<Session>, late: number) => {
    const { hear, ask } = await openSilent(but, late);
    const { until, answers } = await hear();
    expect(answers).toMatchObject([{ hearing: { kind: until === null ? "silent" : "open" } }]);
    return until && secondsUntil(later(ask.reply_at, late), until);
  };
  const resumed_at = later(NOW, HOUR);

  test("is not silent while the session is paused, however long", async () => {
    expect(await left({ control: "paused" }, 0)).toBe(60);
    expect(await left({ control: "paused" }, HOUR)).toBe(60);
  });

  test("has a minute more once the session is resumed, and no longer", async () => {
    expect(await left({ resumed_at }, HOUR - 120)).toBe(60);
    expect(await left({ resumed_at }, HOUR - 120 + 59)).toBe(1);
    expect(await left({ resumed_at }, HOUR - 120 + 60)).toBeNull();
  });

  test("gains nothing from a pause that was over before it was asked", async () => {
    expect(await left({ resumed_at: later(NOW, -1) }, 0)).toBeNull();
  });

  test("is not silent while the cloud is frozen, and has a minute more once it is thawed", async () => {
    const { hear, freeze, ask } = await openSilent();
    const order = { by: "admin", at: later(NOW, 90), reason: "storage" };
    await freeze.put({ ...order, frozen: true });
    expect((await hear()).until).toBe(later(ask.reply_at, 60));
    await freeze.put({ ...order, frozen: false });
    expect((await hear()).until).toBe(later(NOW, 150));
  });
});
