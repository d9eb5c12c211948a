import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NotFoundError, SupersededError } from "../../lib/domain/errors.ts";
import { later } from "../../lib/domain/instant.ts";
import { TAKEOVER_SECONDS } from "../../lib/domain/run.ts";
import { transact } from "../../lib/store/conditions.ts";
import { checkLive, endRun, putRun, runStore } from "../../lib/store/runs.ts";
import { keys } from "../../lib/store/table.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const LATER = later(NOW, 30);

const parking = (seen: number, token: string, wakeAt = LATER) => ({
  seen,
  token,
  now: NOW,
  wakeAt,
});

const openRuns = async () => {
  const table = dynamodb.newTable();
  return { table, runs: runStore(table), ref: await startRun(table) };
};

describe("a run", () => {
  test("begins active, in its first generation, with no rounds", async () => {
    const { runs, ref } = await openRuns();

    expect(await runs.get(ref.run_id)).toMatchObject({
      generation: 1,
      status: "active",
      rounds: 0,
      heartbeat_at: NOW,
    });
    expect(await runs.readSeq(ref.run_id)).toBe(0);
  });

  test("begins once, however often it is asked for", async () => {
    const { table, runs, ref } = await openRuns();
    await runs.heartbeat(ref, LATER);
    const again = { run_id: ref.run_id, machine: "host", session_id: "other", host: "h" } as const;

    expect(await transact(table, putRun(table, again, NOW))).toEqual([false, false]);
    expect(await runs.get(ref.run_id)).toMatchObject({ machine: "session", rounds: 1 });
  });

  test("that nobody began is not found, and nobody wakes it", async () => {
    const { runs } = await openRuns();

    await expect(runs.get("nobody")).rejects.toThrow(NotFoundError);
    expect(await runs.wake("nobody")).toEqual([]);
  });

  test("counts its rounds", async () => {
    const { runs, ref } = await openRuns();
    await runs.heartbeat(ref, LATER);

    expect(await runs.heartbeat(ref, LATER)).toMatchObject({ rounds: 2, heartbeat_at: LATER });
  });
});

describe("an old generation", () => {
  test("can neither show a sign of life, sleep, hand over, end the run, nor write under it", async () => {
    const { table, runs, ref } = await openRuns();
    const seq = await runs.readSeq(ref.run_id);
    await runs.supersede(ref, LATER);

    await expect(runs.heartbeat(ref, LATER)).rejects.toThrow(SupersededError);
    expect(await runs.park(ref, parking(seq, "token"))).toBe(false);
    expect(await runs.park(ref, parking(seq + 1, "token"))).toBe(false);
    expect(await runs.supersede(ref, LATER)).toBe(false);
    expect(await transact(table, [endRun(table, ref)])).toEqual([false]);
    expect(await transact(table, [checkLive(table, ref)])).toEqual([false]);
    expect(await runs.get(ref.run_id)).toMatchObject({ generation: 2, status: "active" });
  });

  test("that slept is woken by nobody any more: the new one looks for itself", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "old token"));
    await runs.supersede(ref, LATER);

    expect(await runs.wake(ref.run_id)).toEqual([]);
  });
});

describe("handing over", () => {
  test("begins the next generation with fresh rounds", async () => {
    const { runs, ref } = await openRuns();
    await runs.heartbeat(ref, NOW);

    expect(await runs.supersede(ref, LATER)).toBe(true);
    expect(await runs.get(ref.run_id)).toMatchObject({
      generation: 2,
      rounds: 0,
      heartbeat_at: LATER,
    });
  });

  test("by two at once is done by one", async () => {
    const { runs, ref } = await openRuns();
    const both = await Promise.all([runs.supersede(ref, LATER), runs.supersede(ref, LATER)]);

    expect(both.toSorted()).toEqual([false, true]);
    expect((await runs.get(ref.run_id)).generation).toBe(2);
  });

  test("is a change that the new generation must see before it sleeps", async () => {
    const { runs, ref } = await openRuns();
    const seq = await runs.readSeq(ref.run_id);
    await runs.supersede(ref, LATER);

    expect(await runs.park({ ...ref, generation: 2 }, parking(seq, "token"))).toBe(false);
  });
});

describe("a run that has ended", () => {
  test("does nothing more and is nobody's business", async () => {
    const { table, runs, ref } = await openRuns();
    expect(await transact(table, [endRun(table, ref)])).toBeNull();

    await expect(runs.heartbeat(ref, LATER)).rejects.toThrow(SupersededError);
    expect(await runs.supersede(ref, LATER)).toBe(false);
    expect(await runs.park(ref, parking(0, "token"))).toBe(false);
    expect(await runs.due(later(NOW, 1_000_000), 10)).toEqual([]);
  });
});

describe("sleeping and waking", () => {
  test("a wake after the sleep began gets the token", async () => {
    const { runs, ref } = await openRuns();
    const seq = await runs.readSeq(ref.run_id);

    expect(await runs.park(ref, parking(seq, "token"))).toBe(true);
    expect(await runs.wake(ref.run_id)).toEqual(["token"]);
  });

  test("a wake between the look and the sleep refuses the sleep", async () => {
    const { runs, ref } = await openRuns();
    const seq = await runs.readSeq(ref.run_id);
    expect(await runs.wake(ref.run_id)).toEqual([]);

    expect(await runs.park(ref, parking(seq, "token"))).toBe(false);
  });

  test("a wake and a sleep at once: either the wake gets the token or the sleep is refused", async () => {
    const { runs, ref } = await openRuns();
    for (let round = 0; round < 20; round++) {
      const seq = await runs.readSeq(ref.run_id);
      const token = `token-${round}`;
      const [parked, woken] = await Promise.all([
        runs.park(ref, parking(seq, token)),
        runs.wake(ref.run_id),
      ]);

      expect(parked).toBe(woken.includes(token));
    }
  });

  test("a wake that is repeated gets the token again: the first try may have been lost", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "token"));
    await runs.wake(ref.run_id);

    expect(await runs.wake(ref.run_id)).toEqual(["token"]);
  });
});

describe("a sleep that Step Functions tries to begin again", () => {
  test("is ended by each of its tokens: which of them it knows is not told", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "second try"));
    await runs.park(ref, parking(0, "first try, which comes late"));

    expect((await runs.wake(ref.run_id)).toSorted()).toEqual([
      "first try, which comes late",
      "second try",
    ]);
  });

  test("is forgotten when the next one begins, and cannot come back", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "old"));
    await runs.park(ref, { ...parking(0, "new"), now: LATER });

    expect(await runs.park(ref, parking(0, "old, which comes late"))).toBe(false);
    expect(await runs.wake(ref.run_id)).toEqual(["new"]);
  });

  test("has the one token of a row of before there were several", async () => {
    const { table, runs, ref } = await openRuns();
    const Item = { ...keys.wake(ref.run_id), seq: 1, generation: 1, token: "old", parked_seq: 0 };
    await table.client.send(new PutCommand({ TableName: table.name, Item }));
    expect(await runs.missedWake(ref.run_id)).toEqual(["old"]);
    expect(await runs.wake(ref.run_id)).toEqual(["old"]);

    await runs.park(ref, parking(2, "new"));
    expect(await runs.wake(ref.run_id)).toEqual(["new"]);
  });
});

describe("a wake that was counted and then lost", () => {
  test("is known by the token that is still there", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "token"));
    expect(await runs.missedWake(ref.run_id)).toEqual([]);
    await runs.wake(ref.run_id);

    expect(await runs.missedWake(ref.run_id)).toEqual(["token"]);
  });

  test("is nobody's once the run sleeps anew, or has been taken over", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "token"));
    await runs.wake(ref.run_id);
    await runs.park(ref, parking(1, "next token"));
    expect(await runs.missedWake(ref.run_id)).toEqual([]);
    await runs.supersede(ref, LATER);

    expect(await runs.missedWake(ref.run_id)).toEqual([]);
  });
});

describe("the janitor's list", () => {
  const namesDue = async (runs: ReturnType<typeof runStore>, now: string) =>
    (await runs.due(now, 10)).map(({ run_id }) => run_id);

  test("holds a run that never began, soon", async () => {
    const { runs, ref } = await openRuns();

    expect(await namesDue(runs, later(NOW, TAKEOVER_SECONDS / 2 - 1))).toEqual([]);
    expect(await namesDue(runs, later(NOW, TAKEOVER_SECONDS / 2))).toEqual([ref.run_id]);
  });

  test("holds a run at work once it has been silent for the takeover time", async () => {
    const { runs, ref } = await openRuns();
    await runs.heartbeat(ref, LATER);

    expect(await namesDue(runs, later(LATER, TAKEOVER_SECONDS - 1))).toEqual([]);
    expect(await namesDue(runs, later(LATER, TAKEOVER_SECONDS))).toEqual([ref.run_id]);
  });

  test("holds a sleeping run once its wait is over", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "token"));

    expect(await namesDue(runs, later(LATER, -1))).toEqual([]);
    expect(await namesDue(runs, LATER)).toEqual([ref.run_id]);
  });

  test("holds a long sleeper now and then, so that its death is noticed", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "token", later(NOW, 86_400)));
    const looked = later(NOW, TAKEOVER_SECONDS);

    expect(await namesDue(runs, later(looked, -1))).toEqual([]);
    expect(await namesDue(runs, looked)).toEqual([ref.run_id]);
    await runs.postpone(await runs.get(ref.run_id), looked);
    expect(await namesDue(runs, later(looked, TAKEOVER_SECONDS - 1))).toEqual([]);
    expect(await namesDue(runs, later(looked, TAKEOVER_SECONDS))).toEqual([ref.run_id]);
  });

  test("knows until when a run sleeps, and that it does no more once it is at work", async () => {
    const { runs, ref } = await openRuns();
    await runs.park(ref, parking(0, "token"));

    expect(await runs.get(ref.run_id)).toMatchObject({ wake_at: LATER });
    expect(await runs.heartbeat(ref, NOW)).not.toHaveProperty("wake_at");
  });

  test("names the longest overdue first and no more than asked for", async () => {
    const { table, runs, ref: first } = await openRuns();
    const second = await startRun(table);
    await runs.heartbeat(first, later(NOW, 1));
    await runs.heartbeat(second, NOW);
    const due = await runs.due(later(NOW, 1000), 1);

    expect(due.map(({ run_id }) => run_id)).toEqual([second.run_id]);
  });
});
