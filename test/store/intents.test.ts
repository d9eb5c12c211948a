import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { claimHost } from "../../lib/domain/host-run.ts";
import { later } from "../../lib/domain/instant.ts";
import { freezeStore } from "../../lib/store/freeze.ts";
import { intentStore, type NewIntent } from "../../lib/store/intents.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { runStore } from "../../lib/store/runs.ts";
import type { Table } from "../../lib/store/table.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const LATER = "2026-11-22T10:05:00.000Z";
const SESSION = "session-1";

const move = (instance: string, but: Partial<NewIntent> = {}): NewIntent => ({
  effect: `live_migrate#${instance}#001`,
  request_id: "req-1",
  at: NOW,
  instance_id: instance,
  target: "cmp-02",
  target_device_id: "device-2",
  newest_migration: 0,
  groups: [],
  ...but,
});

const disable: NewIntent = {
  ...move("none"),
  effect: "disable",
  instance_id: null,
  target: null,
  target_device_id: null,
};

const open = async () => {
  const table = dynamodb.newTable();
  const intents = intentStore(table);
  const ref = await startRun(table, "cmp-01");
  const begin = (intent: NewIntent) => intents.begin(ref, SESSION, intent);
  const finish = (intent: NewIntent, outcome: "done" | "failed" = "done") =>
    intents.finish(ref, intent, outcome, LATER);
  return { table, intents, ref, begin, finish, list: () => intents.list(ref.run_id) };
};

const giveTo = async (table: Table, host: string, deviceId: string) => {
  const ref = await startRun(table);
  const claim = claimHost({ sessionId: ref.run_id, host, deviceId, plugins: [], now: NOW });
  await ownership(table).claim(ref, [claim]);
  return ref.run_id;
};

describe("beginning an effect", () => {
  test("stores what is about to be done, under the run's generation", async () => {
    const { ref, begin, list } = await open();

    expect(await begin(move("a"))).toBe("begun");
    expect(await list()).toEqual([
      {
        schema: 1,
        ...ref,
        ...move("a"),
        outcome: null,
        finished_at: null,
        details: null,
      },
    ]);
  });

  test("twice says that it exists, and keeps the first", async () => {
    const { begin, list } = await open();
    await begin(move("a"));

    expect(await begin(move("a", { request_id: "req-2", target: "cmp-03" }))).toBe("exists");
    expect(await list()).toMatchObject([{ request_id: "req-1", target: "cmp-02" }]);
  });

  test("at once by two steps is done by one of them", async () => {
    const { begin } = await open();
    const both = await Promise.all([begin(disable), begin(disable)]);

    expect(both.toSorted()).toEqual(["begun", "exists"]);
  });

  test("is refused to an old generation, and nothing is stored", async () => {
    const { table, begin, list, ref } = await open();
    await runStore(table).supersede(ref, NOW);

    await expect(begin(move("a"))).rejects.toThrow(SupersededError);
    expect(await list()).toEqual([]);
  });

  test("of an old generation that exists is still the new one's to finish", async () => {
    const { table, intents, begin, ref, list } = await open();
    await begin(move("a"));
    await runStore(table).supersede(ref, NOW);

    const next = { ...ref, generation: 2 };
    expect(await intents.begin(next, SESSION, move("a"))).toBe("exists");
    await intents.finish(next, move("a"), "done", LATER);
    expect(await list()).toMatchObject([{ generation: 1, outcome: "done" }]);
  });
});

describe("a target", () => {
  test("takes two instances at once, not three", async () => {
    const { begin, list } = await open();
    await begin(move("a"));
    await begin(move("b"));

    expect(await begin(move("c"))).toBe("target_taken");
    expect((await list()).map(({ instance_id }) => instance_id)).toEqual(["a", "b"]);
  });

  test("counts the instances of all runs together", async () => {
    const { table, intents, begin } = await open();
    const other = await startRun(table, "cmp-07");
    await begin(move("a"));
    await intents.begin(other, SESSION, move("b"));

    expect(await begin(move("c"))).toBe("target_taken");
  });

  test("has its slot back when the move has ended, well or badly", async () => {
    const { begin, finish } = await open();
    await begin(move("a"));
    await begin(move("b"));
    await finish(move("a"), "failed");

    expect(await begin(move("c"))).toBe("begun");
    expect(await begin(move("d"))).toBe("target_taken");
  });

  test("gets no more slots back than were taken when an end is told twice", async () => {
    const { begin, finish } = await open();
    await begin(move("a"));
    await begin(move("b"));
    await finish(move("a"));
    await begin(move("c"));
    await finish(move("a"));

    expect(await begin(move("d"))).toBe("target_taken");
  });

  test("may be the session's own, but not another session's", async () => {
    const { table, intents, ref, list } = await open();
    const owner = await giveTo(table, "cmp-02", "device-2");

    expect(await intents.begin(ref, SESSION, move("a"))).toBe("target_taken");
    expect(await list()).toEqual([]);
    expect(await intents.begin(ref, owner, move("a"))).toBe("begun");
  });

  test("that is taken costs no slot", async () => {
    const { table, intents, ref } = await open();
    const owner = await giveTo(table, "cmp-02", "device-2");
    for (const instance of ["a", "b", "c"]) await intents.begin(ref, SESSION, move(instance));

    expect(await intents.begin(ref, owner, move("d"))).toBe("begun");
  });
});

describe("calling again for an effect that nobody has heard of", () => {
  const AFTERWARDS = later(NOW, 80);

  test("waits until whoever stored its intent cannot be calling any more", async () => {
    const { intents, ref, begin, list } = await open();
    await begin(disable);
    const [intent = { ...disable, ...ref }] = await list();

    expect(await intents.callAgain(ref, intent, later(NOW, 79))).toBe(false);
    expect(await intents.callAgain(ref, intent, AFTERWARDS)).toBe(true);
    expect(await list()).toMatchObject([{ at: AFTERWARDS, outcome: null }]);
  });

  test("is one step's alone, and for as long as its call may be on its way", async () => {
    const { intents, ref, begin, list } = await open();
    await begin(disable);
    const [intent = { ...disable, ...ref }] = await list();
    const both = await Promise.all([
      intents.callAgain(ref, intent, AFTERWARDS),
      intents.callAgain(ref, intent, AFTERWARDS),
    ]);
    const [again = intent] = await list();

    expect(both.toSorted()).toEqual([false, true]);
    expect(await intents.callAgain(ref, again, later(AFTERWARDS, 79))).toBe(false);
  });

  test("is refused to an old generation and to an old turn", async () => {
    const { table, intents, ref, begin, list } = await open();
    await begin(disable);
    const [intent = { ...disable, ...ref }] = await list();
    const { rounds } = await runStore(table).heartbeat(ref, NOW);
    await expect(
      intents.callAgain({ ...ref, turn: rounds - 1 }, intent, AFTERWARDS),
    ).rejects.toThrow(SupersededError);

    await runStore(table).supersede(ref, NOW);
    await expect(intents.callAgain(ref, intent, AFTERWARDS)).rejects.toThrow(SupersededError);
  });

  test("is not done while all is frozen", async () => {
    const { table, intents, ref, begin, list } = await open();
    await begin(disable);
    const [intent = { ...disable, ...ref }] = await list();
    const freeze = { frozen: true, by: "admin", at: LATER, reason: "storm" };
    await freezeStore(table).put(freeze);

    expect(await intents.callAgain(ref, intent, AFTERWARDS)).toBe(false);
    await freezeStore(table).put({ ...freeze, frozen: false });
    expect(await intents.callAgain(ref, intent, AFTERWARDS)).toBe(true);
  });

  test("is not done when its end has been stored meanwhile", async () => {
    const { intents, ref, begin, finish, list } = await open();
    await begin(disable);
    const [intent = { ...disable, ...ref }] = await list();
    await finish(disable);

    expect(await intents.callAgain(ref, intent, AFTERWARDS)).toBe(false);
  });
});

describe("finishing an effect", () => {
  test("stores how it ended", async () => {
    const { intents, ref, begin, list } = await open();
    await begin(disable);
    await intents.finish(ref, disable, "refused", LATER, "Nova said no");

    expect(await list()).toMatchObject([
      { effect: "disable", outcome: "refused", finished_at: LATER, details: "Nova said no" },
    ]);
  });

  test("twice keeps the first end", async () => {
    const { begin, finish, list } = await open();
    await begin(disable);
    await finish(disable, "done");
    await finish(disable, "failed");

    expect(await list()).toMatchObject([{ outcome: "done" }]);
  });

  test("is refused to an old generation and to an old turn, which keep what the effect holds", async () => {
    const { table, intents, ref, begin, list } = await open();
    const other = await startRun(table, "cmp-07");
    await begin(move("a"));
    await begin(move("b"));
    const { rounds } = await runStore(table).heartbeat(ref, NOW);
    const old = { ...ref, turn: rounds - 1 };
    await expect(intents.finish(old, move("a"), "refused", LATER)).rejects.toThrow(SupersededError);
    await runStore(table).supersede(ref, NOW);
    await expect(intents.finish(ref, move("a"), "refused", LATER)).rejects.toThrow(SupersededError);

    expect(await list()).toMatchObject([{ outcome: null }, { outcome: null }]);
    expect(await intents.begin(other, SESSION, move("c"))).toBe("target_taken");
  });

  test("that was never begun stores nothing", async () => {
    const { finish, list } = await open();
    await finish(disable);
    await finish(move("a"));

    expect(await list()).toEqual([]);
  });
});

test("the effects of a run are listed by name, all of them and none of another run", async () => {
  const { table, intents, begin, list } = await open();
  const other = await startRun(table, "cmp-07");
  await intents.begin(other, SESSION, disable);
  await begin(move("b", { target_device_id: null }));
  await begin(move("a", { target_device_id: null }));
  await begin(disable);

  expect((await list()).map(({ effect }) => effect)).toEqual([
    "disable",
    "live_migrate#a#001",
    "live_migrate#b#001",
  ]);
});
