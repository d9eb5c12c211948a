import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import type { Session } from "../../lib/domain/session.ts";
import { OpenStackError, TransientOpenStackError } from "../../lib/openstack/errors.ts";
import { askForRoom, listeningForRoom } from "../../lib/steps/ask-for-room.ts";
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
  const shortfall = new Map([["nova", { VCPU: 2, MEMORY_MB: 0 }]]);
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

describe("of projects that may be asked for room", () => {
  const told = { message: "Aodh", requestId: null, detail: "" };
  const listening = (error: Error) => {
    const listens = (project: string) =>
      project === "unknown" ? Promise.reject(error) : Promise.resolve(true);
    const context = {
      session: aClaimedSession(),
      ref: { run_id: "run-1", generation: 1 },
      now: NOW,
      audience: { listens },
      settings: { LULL_PUBLIC_URL: "https://lull.invalid" },
    };
    return listeningForRoom(context as unknown as SessionContext, ["unknown", "listens"]);
  };

  test.each([
    new OpenStackError({ ...told, status: 403 }),
    new TransientOpenStackError({ ...told, status: 503, sent: true }),
  ])("one does not count of which the cloud answers %s", async (error) => {
    expect(await listening(error)).toEqual(new Set(["listens"]));
  });

  test("nothing is known when the failure is not the cloud's", async () => {
    await expect(listening(new Error("the table is busy"))).rejects.toThrow("busy");
  });
});
