import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TransientError } from "../../lib/domain/errors.ts";
import { transact, type Write } from "../../lib/store/conditions.ts";
import { queryAll } from "../../lib/store/query.ts";
import { runStore } from "../../lib/store/runs.ts";
import type { Table } from "../../lib/store/table.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

const put = ({ name }: Table, SK: string, ConditionExpression?: string): Write => ({
  Put: {
    TableName: name,
    Item: { PK: "partition", SK: `item-${SK}` },
    ...(ConditionExpression && { ConditionExpression }),
  },
});
const NEW = "attribute_not_exists(PK)";

const keysIn = async (table: Table) =>
  (await queryAll(table, "partition", "item-")).map((row) => row["SK"]);

describe("a transaction", () => {
  let dynamodb: DynamoDb;
  beforeAll(async () => {
    dynamodb = await startDynamoDb();
  });
  afterAll(() => dynamodb.close());

  test("writes all of it", async () => {
    const table = dynamodb.newTable();

    expect(await transact(table, [put(table, "a"), put(table, "b")])).toBeNull();
    expect(await keysIn(table)).toEqual(["item-a", "item-b"]);
  });

  test("whose condition fails writes nothing, and says which failed", async () => {
    const table = dynamodb.newTable();
    await transact(table, [put(table, "b")]);
    const writes = [put(table, "a", NEW), put(table, "b", NEW), put(table, "c")];

    expect(await transact(table, writes)).toEqual([true, false, true]);
    expect(await keysIn(table)).toEqual(["item-b"]);
  });

  test("that makes no sense is no condition that failed", async () => {
    const table = dynamodb.newTable();

    await expect(transact(table, [put(table, "a", "no expression (")])).rejects.toThrow(
      /expression/i,
    );
  });
});

describe("while transactions get in each other's way", () => {
  let dynamodb: DynamoDb;
  beforeAll(async () => {
    dynamodb = await startDynamoDb({ conflict: 0.3 });
  });
  afterAll(() => dynamodb.close());

  test("they are tried again until they are written", async () => {
    const table = dynamodb.newTable();
    for (let n = 0; n < 20; n++)
      expect(await transact(table, [put(table, String(n).padStart(2, "0"), NEW)])).toBeNull();

    expect(await keysIn(table)).toHaveLength(20);
  });

  test("the fence holds all the same", async () => {
    const table = dynamodb.newTable();
    const runs = runStore(table);
    const ref = await startRun(table);

    expect(await runs.supersede(ref, NOW)).toBe(true);
    expect(await runs.supersede(ref, NOW)).toBe(false);
    expect((await runs.get(ref.run_id)).generation).toBe(2);
  });
});

describe("while every transaction is refused for now", () => {
  let dynamodb: DynamoDb;
  beforeAll(async () => {
    dynamodb = await startDynamoDb({ conflict: 1 });
  });
  afterAll(() => dynamodb.close());

  test("it is a passing failure, not a condition that failed", async () => {
    const table = dynamodb.newTable();

    await expect(transact(table, [put(table, "a")])).rejects.toThrow(TransientError);
    expect(await keysIn(table)).toEqual([]);
  });
});
