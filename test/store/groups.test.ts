import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { later } from "../../lib/domain/instant.ts";
import type { GroupClaim } from "../../lib/domain/move.ts";
import { intentStore, type NewIntent } from "../../lib/store/intents.ts";
import { keys } from "../../lib/store/table.ts";
import { openNearTable } from "../protocol/table.ts";
import { NOW, startRun } from "./dynamodb.ts";

const { table } = openNearTable();
const intents = intentStore(table);

const group = (but: Partial<GroupClaim> = {}): GroupClaim => ({
  id: crypto.randomUUID(),
  max_impacted_members: 1,
  recovery_seconds: 0,
  ...but,
});

const move = (instance: string, groups: readonly GroupClaim[], at = NOW): NewIntent => ({
  effect: `live_migrate#${instance}#001`,
  request_id: "req-1",
  at,
  instance_id: instance,
  target: null,
  target_device_id: null,
  newest_migration: 0,
  groups: [...groups],
});

/** The host run of some session. */
const aRun = async () => {
  const ref = await startRun(table, "cmp-01");
  return {
    begin: (intent: NewIntent) => intents.begin(ref, "session-1", intent),
    finish: (intent: NewIntent, now: string, outcome: "done" | "refused" = "done") =>
      intents.finish(ref, intent, outcome, now),
    list: () => intents.list(ref.run_id),
  };
};

const rowOf = async ({ id }: GroupClaim) => {
  const { Item } = await table.client.send(
    new GetCommand({ TableName: table.name, Key: keys.group(id) }),
  );
  return Item;
};

describe("a group", () => {
  test("has as many members on their way as may be, over all runs, and not one more", async () => {
    const one = await aRun();
    const other = await aRun();
    const two = group({ max_impacted_members: 2 });
    await one.begin(move("a", [two]));
    await other.begin(move("b", [two]));

    expect(await other.begin(move("c", [two]))).toBe("group_busy");
    expect(await other.list()).toHaveLength(1);
  });

  test("is free again when the move has ended", async () => {
    const { begin, finish } = await aRun();
    const spread = group();
    await begin(move("a", [spread]));
    await finish(move("a", [spread]), NOW);

    expect(await begin(move("b", [spread]))).toBe("begun");
  });

  test("keeps a move that begins before the end of the last one of the same instance is stored", async () => {
    const [one, other] = [await aRun(), await aRun()];
    const spread = group({ max_impacted_members: 2 });
    await one.begin(move("a", [spread]));
    await other.begin(move("a", [spread]));
    await one.finish(move("a", [spread]), NOW);

    expect((await rowOf(spread))?.["impacted"]).toHaveProperty("size", 1);
  });

  test("rests after a move until it has recovered", async () => {
    const { begin, finish } = await aRun();
    const slow = group({ recovery_seconds: 60 });
    await begin(move("a", [slow]));
    await finish(move("a", [slow]), NOW);

    expect(await begin(move("b", [slow], later(NOW, 59)))).toBe("group_busy");
    expect(await begin(move("b", [slow], later(NOW, 60)))).toBe("begun");
  });

  test("does not rest after a move that Nova refused: nobody was impacted", async () => {
    const { begin, finish } = await aRun();
    const slow = group({ recovery_seconds: 60 });
    await begin(move("a", [slow]));
    await finish(move("a", [slow]), NOW, "refused");

    expect(await begin(move("b", [slow]))).toBe("begun");
  });

  test("keeps the longer of two rests, whichever end is stored first", async () => {
    const { begin, finish } = await aRun();
    const two = group({ max_impacted_members: 2, recovery_seconds: 60 });
    await begin(move("a", [two]));
    await begin(move("b", [two]));
    await finish(move("a", [two]), later(NOW, 30));
    await finish(move("b", [two]), NOW);

    expect(await rowOf(two)).toMatchObject({ free_at: later(NOW, 90), kind: "group" });
    expect((await rowOf(two))?.["impacted"]).toBeUndefined();
  });

  test("rests once when an end is told twice", async () => {
    const { begin, finish } = await aRun();
    const slow = group({ recovery_seconds: 60 });
    await begin(move("a", [slow]));
    await finish(move("a", [slow]), NOW);
    await finish(move("a", [slow]), later(NOW, 30));

    expect(await rowOf(slow)).toMatchObject({ free_at: later(NOW, 60) });
  });

  test("that is busy keeps the other groups of the instance free", async () => {
    const { begin } = await aRun();
    const [busy, free] = [group(), group()];
    await begin(move("a", [busy]));

    expect(await begin(move("b", [free, busy]))).toBe("group_busy");
    expect(await begin(move("c", [free]))).toBe("begun");
  });

  test("named twice is claimed once, under the stricter rule", async () => {
    const { begin, finish } = await aRun();
    const strict = group({ recovery_seconds: 60 });
    const twice = [{ ...strict, max_impacted_members: 5, recovery_seconds: 0 }, strict];

    expect(await begin(move("a", twice))).toBe("begun");
    expect(await begin(move("b", twice))).toBe("group_busy");
    await finish(move("a", twice), NOW);
    expect(await rowOf(strict)).toMatchObject({ free_at: later(NOW, 60) });
  });
});

test("a row of before there were groups is read as a move of none", async () => {
  const { begin, list } = await aRun();
  await begin(move("a", []));
  const [intent] = await list();
  const { groups: _, ...old } = intent ?? move("a", []);
  const Key = keys.intent(intent?.run_id ?? "", old.effect);
  await table.client.send(new PutCommand({ TableName: table.name, Item: { ...Key, ...old } }));

  expect(await list()).toEqual([{ ...old, groups: [] }]);
});

test("in a frozen cloud nothing is begun, until it is thawed", async () => {
  const { begin, list } = await aRun();
  const set = (frozen: boolean) =>
    table.client.send(
      new PutCommand({ TableName: table.name, Item: { ...keys.freeze(), frozen } }),
    );
  await set(true);
  expect(await begin(move("a", []))).toBe("frozen");
  expect(await list()).toEqual([]);

  await set(false);
  expect(await begin(move("a", []))).toBe("begun");
});
