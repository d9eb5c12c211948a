import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import type { Session } from "../../lib/domain/session.ts";
import { askForRoom } from "../../lib/steps/ask-for-room.ts";
import type { SessionContext } from "../../lib/steps/session-step.ts";
import { askStore } from "../../lib/store/asks.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { aClaimedSession, anAsk } from "../domain/builders.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

/** A session of two projects whose run died when it had just asked one of them for room. */
const openAfterDeath = async () => {
  const table = dynamodb.newTable();
  const sessions = sessionStore(table);
  const asks = askStore(table);
  const sessionProjects = sessionProjectStore(table);
  const session = aClaimedSession();
  const { session_id, created_at } = session;
  const ref = { run_id: session_id, generation: 1 };
  await sessions.open(session, maintenanceSession(session, 0, NOW));
  for (const [project_id, count] of [["large", 2] as const, ["asked", 1] as const])
    await sessionProjects.add({
      schema: 1,
      session_id,
      project_id,
      created_at,
      instance_ids: Array.from({ length: count }, (_, n) => `${project_id}-${n}`),
    });
  const ask = anAsk({ project_id: "asked", ask_id: "SCALE_IN", state: "SCALE_IN" });
  const links = { publicUrl: "https://lull.invalid", hostId: null };
  await asks.open(ref, ask, { event: maintenanceScheduled(session, ask, links) });
  const audience = { listens: async () => true, reachOf: async () => "reached" as const };
  const context = { sessions, sessionProjects, asks, audience, ref, now: NOW, session, hosts: [] };
  const shortfall = new Map([["nova", { VCPU: 2 }]]);
  return {
    sessions,
    session,
    askAgain: () => askForRoom(context as unknown as SessionContext, shortfall),
  };
};

describe("a run that goes on after another had asked for room", () => {
  test("waits for who was asked, and asks nobody else meanwhile", async () => {
    const { sessions, session, askAgain } = await openAfterDeath();

    expect(await askAgain()).toBe(true);
    expect((await sessions.get(session.session_id)).asking).toMatchObject({
      state: "SCALE_IN",
      project_ids: ["asked"],
    });
  });

  test("waits for nobody when the session was aborted since", async () => {
    const { sessions, session, askAgain } = await openAfterDeath();
    await sessions.change(session.session_id, (seen) => {
      const aborting: Session = { ...seen, control: "aborting", sequence: seen.sequence + 1 };
      return { next: aborting, event: maintenanceSession(aborting, 0, NOW) };
    });

    await askAgain();
    expect((await sessions.get(session.session_id)).asking).toBeNull();
  });
});
