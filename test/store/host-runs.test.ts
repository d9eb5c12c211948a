import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConflictError, NotFoundError, SupersededError } from "../../lib/domain/errors.ts";
import { maintenanceHost } from "../../lib/domain/events/maintenance-host.ts";
import { claimHost, entering } from "../../lib/domain/host-run.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { runStore } from "../../lib/store/runs.ts";
import { keys } from "../../lib/store/table.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const LATER = "2026-11-22T10:05:00.000Z";

/** A session that owns cmp-01 and cmp-02, which wait. */
const open = async () => {
  const table = dynamodb.newTable();
  const session = await startRun(table);
  const claims = ["cmp-01", "cmp-02"].map((host) =>
    claimHost({
      sessionId: session.run_id,
      host,
      deviceId: `device-${host}`,
      plugins: [],
      now: NOW,
    }),
  );
  await ownership(table).claim(session, claims);
  const hostRuns = hostRunStore(table);
  const get = (host: string) => hostRuns.get(session.run_id, host);
  const history = async () =>
    (await outbox(table).list(keys.session(session.run_id).PK, 10, null)).events;
  return { table, session, hostRuns, runs: runStore(table), get, history };
};

/** A session whose cmp-01 has been started. */
const openStarted = async () => {
  const opened = await open();
  const { hostRuns, session, get } = opened;
  await hostRuns.start(await get("cmp-01"), "run-1", session, LATER);
  return { ...opened, ref: { run_id: "run-1", generation: 1 } };
};

describe("starting a host", () => {
  test("gives it a run of its own", async () => {
    const { runs, get, session } = await openStarted();

    expect(await get("cmp-01")).toMatchObject({
      phase: "DISABLING",
      run_id: "run-1",
      started_at: LATER,
    });
    expect(await runs.get("run-1")).toMatchObject({
      machine: "host",
      session_id: session.run_id,
      host: "cmp-01",
      generation: 1,
    });
  });

  test("twice starts it once: the second run never comes into being", async () => {
    const { hostRuns, runs, get, session } = await open();
    const waiting = await get("cmp-01");
    const started = await Promise.all(
      ["run-1", "run-2"].map((id) => hostRuns.start(waiting, id, session, LATER)),
    );

    expect(started.toSorted()).toEqual([false, true]);
    const loser = started[0] ? "run-2" : "run-1";
    await expect(runs.get(loser)).rejects.toThrow(NotFoundError);
    expect((await get("cmp-01")).run_id).not.toBe(loser);
  });

  test("is refused to a session whose run has been taken over", async () => {
    const { hostRuns, runs, get, session } = await open();
    await runs.supersede(session, LATER);

    const start = hostRuns.start(await get("cmp-01"), "run-1", session, LATER);
    await expect(start).rejects.toThrow(SupersededError);
    expect((await get("cmp-01")).phase).toBe("WAITING");
  });
});

describe("saving a host", () => {
  test("stores its state and the events that tell of it together", async () => {
    const { hostRuns, get, ref, history } = await openStarted();
    const from = await get("cmp-01");
    const next = { ...entering(from, "IN_MAINTENANCE", LATER), sequence: 1 };
    const events = [maintenanceHost(next, "IN_MAINTENANCE", LATER)];
    await hostRuns.save(ref, next, { from, events });

    expect(await get("cmp-01")).toEqual(next);
    expect(await history()).toMatchObject([{ type: "maintenance.host", sequence: 1 }]);
  });

  test("is refused to an old generation, with its events", async () => {
    const { hostRuns, runs, get, ref, history } = await openStarted();
    const before = await get("cmp-01");
    await runs.supersede(ref, LATER);

    const next = entering(before, "MOVING", LATER);
    const events = [maintenanceHost(next, "IN_MAINTENANCE", LATER)];
    await expect(hostRuns.save(ref, next, { from: before, events })).rejects.toThrow(
      SupersededError,
    );
    expect(await get("cmp-01")).toEqual(before);
    expect(await history()).toEqual([]);
  });

  test("is refused to the live run of another host", async () => {
    const { hostRuns, get, session, ref } = await openStarted();
    await hostRuns.start(await get("cmp-02"), "run-2", session, LATER);

    const from = await get("cmp-02");
    const next = entering(from, "MOVING", LATER);
    await expect(hostRuns.save(ref, next, { from })).rejects.toThrow(ConflictError);
    expect((await get("cmp-02")).phase).toBe("DISABLING");
  });

  test("for the last time ends its run", async () => {
    const { hostRuns, runs, get, ref } = await openStarted();
    const from = await get("cmp-01");
    const finished = entering(from, "FINISHED", LATER);
    await hostRuns.save(ref, finished, { from, end: true });

    expect(await runs.get("run-1")).toMatchObject({ status: "ended" });
    await expect(hostRuns.save(ref, finished, { from: finished })).rejects.toThrow(SupersededError);
  });
});

test("a host that its session has admitted meanwhile is not overwritten", async () => {
  const { hostRuns, get, ref } = await openStarted();
  const from = { ...(await get("cmp-01")), cordon: true };

  const next = entering(from, "CORDONED", LATER);
  await expect(hostRuns.save(ref, next, { from })).rejects.toThrow(ConflictError);
});

test("the hosts of a session are listed by name, and one it has not is not found", async () => {
  const { hostRuns, session } = await open();

  expect((await hostRuns.list(session.run_id)).map(({ host }) => host)).toEqual([
    "cmp-01",
    "cmp-02",
  ]);
  await expect(hostRuns.get(session.run_id, "cmp-09")).rejects.toThrow(NotFoundError);
});
