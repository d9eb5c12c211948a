import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { claimHost, entering, type HostRun } from "../../lib/domain/host-run.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { runStore } from "../../lib/store/runs.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const CORDONED_AT = "2026-11-22T10:05:00.000Z";
const LATER = "2026-11-22T10:45:00.000Z";

/** A session whose cmp-01 was started to be cordoned only. */
const openCordoning = async () => {
  const table = dynamodb.newTable();
  const session = await startRun(table);
  const sessionId = session.run_id;
  const claim = { sessionId, host: "cmp-01", deviceId: "device-1", plugins: [], now: NOW };
  await ownership(table).claim(session, [claimHost(claim)]);
  const hostRuns = hostRunStore(table);
  const get = () => hostRuns.get(sessionId, "cmp-01");
  await hostRuns.start(await get(), "run-1", session, CORDONED_AT, { cordon: true });
  const ref = { run_id: "run-1", generation: 1 };
  const save = async (next: (run: HostRun) => HostRun) => {
    const run = await get();
    await hostRuns.save(ref, next(run), { from: run });
  };
  return { table, session, hostRuns, get, save };
};

describe("a host that is started to be cordoned", () => {
  test("waits for its turn, and counts its time only from there", async () => {
    const { session, hostRuns, get, save } = await openCordoning();
    await save((run) => ({ ...entering(run, "CORDONED", CORDONED_AT), stood_still: 60 }));

    expect(await hostRuns.admit(await get(), session, LATER)).toBe(true);
    expect(await get()).toMatchObject({
      phase: "ASKING",
      cordon: false,
      started_at: LATER,
      phase_at: LATER,
      stood_still: 0,
      run_id: "run-1",
    });
  });

  test("goes straight on when its turn comes while it is being disabled", async () => {
    const { session, hostRuns, get } = await openCordoning();

    expect(await get()).toMatchObject({ phase: "DISABLING", cordon: true });
    expect(await hostRuns.admit(await get(), session, LATER)).toBe(true);
    expect(await get()).toMatchObject({
      phase: "DISABLING",
      cordon: false,
      started_at: CORDONED_AT,
    });
  });

  test("is not admitted when it has moved on since the session read it", async () => {
    const { session, hostRuns, get, save } = await openCordoning();
    const seen = await get();
    await save((run) => entering(run, "CORDONED", CORDONED_AT));

    expect(await hostRuns.admit(seen, session, LATER)).toBe(false);
    expect(await get()).toMatchObject({ phase: "CORDONED", cordon: true });
  });

  test("cannot overwrite what its session has just written", async () => {
    const { session, hostRuns, get, save } = await openCordoning();
    const run = await get();
    await hostRuns.admit(run, session, LATER);
    const stale = hostRuns.save(
      { run_id: "run-1", generation: 1 },
      entering(run, "CORDONED", LATER),
      {
        from: run,
      },
    );

    await expect(stale).rejects.toThrow("no longer");
    await save((now) => entering(now, "ASKING", LATER));
  });

  test("is not admitted by a session whose run has been taken over", async () => {
    const { table, session, hostRuns, get } = await openCordoning();
    await runStore(table).supersede(session, LATER);

    await expect(hostRuns.admit(await get(), session, LATER)).rejects.toThrow(SupersededError);
  });
});
