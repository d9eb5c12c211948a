import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConflictError, NotFoundError, SupersededError } from "../../lib/domain/errors.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { later } from "../../lib/domain/instant.ts";
import type { Session } from "../../lib/domain/session.ts";
import { findIdempotency, putIdempotency } from "../../lib/store/idempotency.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { runStore } from "../../lib/store/runs.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { keys, type Table } from "../../lib/store/table.ts";
import { aSession } from "../domain/builders.ts";
import { type DynamoDb, NOW, startDynamoDb } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const newSession = (but: Partial<Session> = {}) =>
  aSession({ session_id: crypto.randomUUID(), ...but });

const eventOf = (session: Session) => maintenanceSession(session, 0, NOW);

/** A decision to write the session under another reason. */
const renaming = (reason: string) => (seen: Session) => {
  const next = { ...seen, reason, sequence: seen.sequence + 1 };
  return { next, event: eventOf(next) };
};

const open = async () => {
  const table = dynamodb.newTable();
  const sessions = sessionStore(table);
  const session = newSession();
  await sessions.open(session, eventOf(session));
  return { table, sessions, session, ref: { run_id: session.session_id, generation: 1 } };
};

const historyOf = async (table: Table, { session_id }: Session) => {
  const { events } = await outbox(table).list(keys.session(session_id).PK, 100, null);
  return events.map(({ sequence }) => sequence);
};

describe("opening a session", () => {
  test("stores it with its run and its first event, all or nothing", async () => {
    const { table, sessions, session } = await open();

    expect(await sessions.get(session.session_id)).toEqual(session);
    expect(await runStore(table).get(session.session_id)).toMatchObject({
      machine: "session",
      session_id: session.session_id,
      host: null,
      generation: 1,
    });
    expect(await historyOf(table, session)).toEqual([1]);
  });

  test("under an id that exists is a conflict and changes nothing", async () => {
    const { sessions, session } = await open();
    const again = { ...session, reason: "other" };

    await expect(sessions.open(again, eventOf(again))).rejects.toThrow(ConflictError);
    expect((await sessions.get(session.session_id)).reason).toBe("");
  });

  test("that is not there is not found", async () => {
    const { sessions } = await open();

    await expect(sessions.get(crypto.randomUUID())).rejects.toThrow(NotFoundError);
  });
});

describe("changing a session", () => {
  test("stores its next state and the event together", async () => {
    const { table, sessions, session } = await open();

    expect(await sessions.change(session.session_id, renaming("disks"))).toMatchObject({
      reason: "disks",
      sequence: 2,
    });
    expect(await historyOf(table, session)).toEqual([1, 2]);
  });

  test("that needs no change writes nothing", async () => {
    const { table, sessions, session } = await open();

    expect(await sessions.change(session.session_id, () => null)).toEqual(session);
    expect(await historyOf(table, session)).toEqual([1]);
  });

  test("by three at once loses none of the three", async () => {
    const { table, sessions, session } = await open();
    const add = (word: string) =>
      sessions.change(session.session_id, (seen) => renaming(`${seen.reason}${word}`)(seen));
    await Promise.all([add("a"), add("b"), add("c")]);
    const { reason, sequence } = await sessions.get(session.session_id);

    expect([...reason].toSorted()).toEqual(["a", "b", "c"]);
    expect(sequence).toBe(4);
    expect(await historyOf(table, session)).toEqual([1, 2, 3, 4]);
  });

  test("by its run needs the live generation", async () => {
    const { table, sessions, session, ref } = await open();
    await sessions.changeAs(ref, renaming("first"));
    await runStore(table).supersede(ref, NOW);

    await expect(sessions.changeAs(ref, renaming("second"))).rejects.toThrow(SupersededError);
    await expect(sessions.closeAs(ref, renaming("third"))).rejects.toThrow(SupersededError);
    expect(await sessions.get(session.session_id)).toMatchObject({ reason: "first", sequence: 2 });
    expect(await historyOf(table, session)).toEqual([1, 2]);
  });

  test("for the last time ends its run in the same moment", async () => {
    const { table, sessions, session, ref } = await open();
    await sessions.closeAs(ref, renaming("done"));

    expect(await runStore(table).get(session.session_id)).toMatchObject({ status: "ended" });
    await expect(sessions.changeAs(ref, renaming("more"))).rejects.toThrow(SupersededError);
    expect((await sessions.change(session.session_id, renaming("note"))).reason).toBe("note");
  });
});

describe("a list of sessions", () => {
  const openAll = async (count: number) => {
    const table = dynamodb.newTable();
    const sessions = sessionStore(table);
    const ids: string[] = [];
    for (let n = 0; n < count; n++) {
      const session = newSession({ created_at: later(NOW, n) });
      await sessions.open(session, eventOf(session));
      ids.push(session.session_id);
    }
    return { sessions, newestFirst: ids.toReversed() };
  };

  test("is paged newest first, each session once", async () => {
    const { sessions, newestFirst } = await openAll(7);
    const seen: string[][] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof sessions.list>> = await sessions.list(3, cursor);
      seen.push(page.sessions.map(({ session_id }) => session_id));
      cursor = page.cursor;
    } while (cursor !== null);

    expect(seen.flat()).toEqual(newestFirst);
    expect(seen.map(({ length }) => length)).toEqual([3, 3, 1]);
  });

  test.each([
    "",
    "garbage",
    "2026-11-22T10:00:00.000Z#1",
    Buffer.from('["x#y"]').toString("base64url"),
  ])("refuses a cursor that is not one of its own, like %j", async (cursor) => {
    const { sessions } = await openAll(1);

    await expect(sessions.list(1, cursor)).rejects.toMatchObject({
      findings: [{ path: "cursor" }],
    });
  });

  test("goes on where it stopped when a newer session was opened meanwhile", async () => {
    const { sessions, newestFirst } = await openAll(3);
    const { cursor } = await sessions.list(1, null);
    const newer = newSession({ created_at: later(NOW, 100) });
    await sessions.open(newer, eventOf(newer));
    const rest = await sessions.list(10, cursor);

    expect(rest.sessions.map(({ session_id }) => session_id)).toEqual(newestFirst.slice(1));
  });
});

describe("an Idempotency-Key", () => {
  const DAY = 86_400;
  const use = (who: string, key: string) => ({ who, key, bodyHash: "abc" });

  const openWith = async (table: Table, who: string, key: string, now = NOW) => {
    const session = newSession();
    const { session_id } = session;
    const record = putIdempotency(table, use(who, key), { session_id }, now);
    await sessionStore(table).open(session, eventOf(session), [record]);
    return session;
  };

  test("is remembered with the session that it opened, for its user, for a day", async () => {
    const table = dynamodb.newTable();
    const { session_id } = await openWith(table, "alice", "key");
    const find = (who: string, key: string, now: string) =>
      findIdempotency(table, use(who, key), now);

    expect(await find("alice", "key", later(NOW, DAY - 1))).toMatchObject({
      body_sha256: "abc",
      session_id,
    });
    expect(await find("alice", "key", later(NOW, DAY))).toBeNull();
    expect(await find("bob", "key", NOW)).toBeNull();
    expect(await find("alice", "other", NOW)).toBeNull();
  });

  test("opens one session of two, and leaves nothing of the other", async () => {
    const table = dynamodb.newTable();
    await openWith(table, "alice", "key");

    await expect(openWith(table, "alice", "key")).rejects.toThrow(ConflictError);
    expect((await sessionStore(table).list(10, null)).sessions).toHaveLength(1);
  });

  test("whose day is over may be used again, also while its row is still there", async () => {
    const table = dynamodb.newTable();
    await openWith(table, "alice", "key");
    const now = later(NOW, DAY);
    const { session_id } = await openWith(table, "alice", "key", now);

    expect(await findIdempotency(table, use("alice", "key"), now)).toMatchObject({ session_id });
  });
});
