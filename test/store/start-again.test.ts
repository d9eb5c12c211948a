import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NotFoundError } from "../../lib/domain/errors.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { claimHost, leavingForHuman } from "../../lib/domain/host-run.ts";
import type { Session } from "../../lib/domain/session.ts";
import { released, reopened } from "../../lib/domain/start-again.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { runStore } from "../../lib/store/runs.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { startAgain } from "../../lib/store/start-again.ts";
import type { Table } from "../../lib/store/table.ts";
import { aClaimedSession } from "../domain/builders.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const LATER = "2026-11-22T12:00:00.000Z";
const DEVICE = "device-cmp-01";

const eventOf = (session: Session) => maintenanceSession(session, 100, LATER);

/** A session whose only host has failed, and what is needed to let that host go on. */
const openFailed = async (table: Table = dynamodb.newTable()) => {
  const sessions = sessionStore(table);
  const hostRuns = hostRunStore(table);
  const session = aClaimedSession({ session_id: crypto.randomUUID(), hosts: ["cmp-01"] });
  const { session_id } = session;
  const ref = { run_id: session_id, generation: 1 };
  await sessions.open(session, eventOf(session));
  const claim = { sessionId: session_id, host: "cmp-01", deviceId: DEVICE, plugins: [], now: NOW };
  await ownership(table).claim(ref, [claimHost(claim)]);
  const get = () => hostRuns.get(session_id, "cmp-01");
  const runId = crypto.randomUUID();
  await hostRuns.start(await get(), runId, ref, NOW);
  const begun = await get();
  const failed = leavingForHuman(begun, NOW, "webhook failed");
  await hostRuns.save({ run_id: runId, generation: 1 }, failed, { from: begun, end: true });

  /** As its own run closes it. */
  const close = async () => {
    const seen = await sessions.get(session_id);
    const freed = await ownership(table).release(session_id, [DEVICE], seen);
    const last = await sessions.closeAs(ref, (now) => {
      if (now.sequence !== seen.sequence) return null;
      const next = { ...now, closed_at: LATER, sequence: now.sequence + 1 };
      return { next, event: eventOf(next) };
    });
    return freed && last.closed_at !== null;
  };
  /** What an admin's release makes of what can be seen now. */
  const prepare = async () => {
    const seen = await sessions.get(session_id);
    const run = await get();
    const next = released(run, { runId: crypto.randomUUID(), now: LATER });
    const open = reopened(seen, [next], LATER);
    return {
      host: { seen: run, next },
      session: { seen, next: open, event: eventOf(open) },
      ended: seen.closed_at === null ? null : await runStore(table).get(session_id),
      now: LATER,
    };
  };
  const owner = async () => (await ownership(table).owners([DEVICE])).get(DEVICE);
  return { table, sessions, session_id, ref, runs: runStore(table), get, close, prepare, owner };
};

describe("a finished host that goes on", () => {
  test("in a session that is over: all of it is as if it had never ended", async () => {
    const { table, sessions, session_id, runs, get, close, prepare, owner } = await openFailed();
    await close();
    expect(await owner()).toBeUndefined();
    const again = await prepare();

    expect(await startAgain(table, again)).toBe("started");
    expect(await get()).toMatchObject({ phase: "VERIFYING", run_id: again.host.next.run_id });
    expect(await sessions.get(session_id)).toMatchObject({ closed_at: null });
    expect(await owner()).toBe(session_id);
    expect(await runs.get(again.host.next.run_id)).toMatchObject({
      machine: "host",
      status: "active",
      host: "cmp-01",
    });
    expect(await runs.get(session_id)).toMatchObject({
      status: "active",
      generation: 2,
      rounds: 0,
    });
    expect((await runs.due("2026-11-23T00:00:00.000Z", 10)).map(({ run_id }) => run_id)).toContain(
      session_id,
    );
  });

  test("in a session that is open leaves the session's run as it is", async () => {
    const { table, session_id, runs, prepare } = await openFailed();

    expect(await startAgain(table, await prepare())).toBe("started");
    expect(await runs.get(session_id)).toMatchObject({ status: "active", generation: 1 });
  });

  test("can be parked for and woken again in its session's new generation", async () => {
    const { table, session_id, runs, close, prepare } = await openFailed();
    await close();
    await startAgain(table, await prepare());
    const ref = { run_id: session_id, generation: 2 };
    const seen = await runs.readSeq(session_id);
    await runs.heartbeat(ref, LATER);

    expect(await runs.park(ref, { seen, token: "token", now: LATER, wakeAt: LATER })).toBe(true);
    expect(await runs.wake(session_id)).toEqual(["token"]);
  });

  test("twice at once goes on once", async () => {
    const { table, runs, get, close, prepare } = await openFailed();
    await close();
    const tries = [await prepare(), await prepare()];
    const results = await Promise.all(tries.map((again) => startAgain(table, again)));

    expect(results.toSorted()).toEqual(["moved", "started"]);
    const loser = tries[results.indexOf("moved")]?.host.next.run_id ?? "";
    await expect(runs.get(loser)).rejects.toThrow(NotFoundError);
    expect((await get()).run_id).not.toBe(loser);
  });

  test("is refused while another session owns the host, and nothing has changed", async () => {
    const { table, sessions, session_id, get, close, prepare, owner } = await openFailed();
    await close();
    const other = await startRun(table);
    const claim = { host: "cmp-01", deviceId: DEVICE, plugins: [], now: NOW };
    await ownership(table).claim(other, [claimHost({ ...claim, sessionId: other.run_id })]);

    expect(await startAgain(table, await prepare())).toBe("owned");
    expect((await get()).phase).toBe("FINISHED");
    expect((await sessions.get(session_id)).closed_at).toBe(LATER);
    expect(await owner()).toBe(other.run_id);
  });
});

describe("a host that goes on while its session closes", () => {
  test("is not overlooked by a close that was decided before", async () => {
    const { table, sessions, session_id, prepare, owner } = await openFailed();
    const seen = await sessions.get(session_id);
    await startAgain(table, await prepare());

    expect(await ownership(table).release(session_id, [DEVICE], seen)).toBe(false);
    expect(await owner()).toBe(session_id);
  });

  test("gets its owner back when it had been freed already, and the session stays open", async () => {
    const { table, sessions, session_id, prepare, owner } = await openFailed();
    const seen = await sessions.get(session_id);
    await ownership(table).release(session_id, [DEVICE], seen);
    await startAgain(table, await prepare());

    expect(await owner()).toBe(session_id);
    expect((await sessions.get(session_id)).sequence).toBe(seen.sequence + 1);
  });

  test("either goes on in an open session, or is refused: never the one without the other", async () => {
    for (let round = 0; round < 10; round++) {
      const { table, sessions, session_id, get, close, prepare, owner } = await openFailed();
      const again = await prepare();
      const [closed, result] = await Promise.all([close(), startAgain(table, again)]);
      const { closed_at } = await sessions.get(session_id);

      expect(result).toBe(closed ? "moved" : "started");
      expect(closed_at).toBe(closed ? LATER : null);
      expect((await get()).phase).toBe(closed ? "FINISHED" : "VERIFYING");
      expect(await owner()).toBe(closed ? undefined : session_id);
    }
  });
});
