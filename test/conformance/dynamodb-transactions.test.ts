import {
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createIndexedTable, newKey, tableCalls } from "./dynamodb-fixture.ts";
import { type Endpoint, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;
let table: ReturnType<typeof tableCalls>;
let TableName: string;

beforeAll(async () => {
  endpoint = await openEndpoint();
  TableName = await createIndexedTable(endpoint);
  table = tableCalls(endpoint.client, TableName);
}, 150_000);
afterAll(() => endpoint.close());

const N = (n: number) => ({ N: String(n) });

const transact = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
  endpoint.client.send(
    new TransactWriteItemsCommand({
      TransactItems,
      ...(ClientRequestToken !== undefined && { ClientRequestToken }),
    }),
  );

const reasonsOf = async (items: TransactWriteItem[]) => {
  const error = await refusal(transact(items));
  expect(error).toBeInstanceOf(TransactionCanceledException);
  return {
    message: error.message,
    reasons: (error as TransactionCanceledException).CancellationReasons ?? [],
  };
};

describe("a transaction", () => {
  test("does all of its actions", async () => {
    const [checked, put, updated, deleted] = [newKey(), newKey(), newKey(), newKey()];
    await table.put(checked);
    await table.put(deleted);
    await transact([
      { ConditionCheck: { TableName, Key: checked, ConditionExpression: "attribute_exists(PK)" } },
      { Put: { TableName, Item: { ...put, n: N(1) } } },
      {
        Update: {
          TableName,
          Key: updated,
          UpdateExpression: "SET #n = :n",
          ExpressionAttributeNames: { "#n": "n" },
          ExpressionAttributeValues: { ":n": N(2) },
        },
      },
      { Delete: { TableName, Key: deleted } },
    ]);
    expect((await table.get(put)).Item).toEqual({ ...put, n: N(1) });
    expect((await table.get(updated)).Item).toEqual({ ...updated, n: N(2) });
    expect((await table.get(deleted)).Item).toBeUndefined();
  });

  test("does none of them when one condition fails, and says which by position", async () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    await table.put({ ...second, n: N(2) });
    const { reasons, message } = await reasonsOf([
      { Put: { TableName, Item: first } },
      {
        Put: {
          TableName,
          Item: second,
          ConditionExpression: "attribute_not_exists(PK)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      {
        Delete: {
          TableName,
          Key: third,
          ConditionExpression: "attribute_exists(PK)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
    ]);
    expect(reasons.map(({ Code }) => Code)).toEqual([
      "None",
      "ConditionalCheckFailed",
      "ConditionalCheckFailed",
    ]);
    expect(reasons[1]?.Message).toBe("The conditional request failed");
    expect(reasons[1]?.Item).toEqual({ ...second, n: N(2) });
    expect(reasons[2]?.Item).toBeUndefined();
    expect(message).toContain("[None, ConditionalCheckFailed, ConditionalCheckFailed]");
    expect((await table.get(first)).Item).toBeUndefined();
  });

  test("does not hand back the item unasked", async () => {
    const key = newKey();
    await table.put(key);
    const { reasons } = await reasonsOf([
      { Delete: { TableName, Key: key, ConditionExpression: "attribute_not_exists(PK)" } },
    ]);
    expect(reasons[0]?.Item).toBeUndefined();
  });

  test("with the same token is done once", async () => {
    const key = newKey();
    const token = crypto.randomUUID();
    const add = {
      Update: {
        TableName,
        Key: key,
        UpdateExpression: "ADD n :one",
        ExpressionAttributeValues: { ":one": N(1) },
      },
    };
    await transact([add], token);
    await transact([add], token);
    expect((await table.get(key)).Item?.["n"]).toEqual(N(1));
  });

  test("with the token of another transaction is refused", async () => {
    const token = crypto.randomUUID();
    await transact([{ Put: { TableName, Item: newKey() } }], token);
    const error = await refusal(transact([{ Put: { TableName, Item: newKey() } }], token));
    expect(error.name).toBe("IdempotentParameterMismatchException");
  });

  test("with the token of a cancelled one is tried again", async () => {
    const [key, gate] = [newKey(), newKey()];
    const token = crypto.randomUUID();
    const items = [
      { Put: { TableName, Item: key } },
      { ConditionCheck: { TableName, Key: gate, ConditionExpression: "attribute_exists(PK)" } },
    ];
    await refusal(transact(items, token));
    await table.put(gate);
    await transact(items, token);
    expect((await table.get(key)).Item).toEqual(key);
  });

  test("takes 100 actions and no more", async () => {
    const puts = (count: number) =>
      Array.from({ length: count }, () => ({ Put: { TableName, Item: newKey() } }));
    await transact(puts(100));
    expect((await refusal(transact(puts(101)))).name).toBe("ValidationException");
  });

  test("of more than 4 MB is refused", async () => {
    const puts = Array.from({ length: 11 }, () => ({
      Put: { TableName, Item: { ...newKey(), x: { S: "x".repeat(399 * 1024) } } },
    }));
    expect((await refusal(transact(puts))).name).toBe("ValidationException");
  });
});

describe("a transaction is cancelled when an item does not have what an update needs", () => {
  const cases: readonly (readonly [string, string, { N: string } | { S: string }])[] = [
    ["an attribute that it reads", "SET q = absent + :v", N(1)],
    ["a number to add to", "ADD txt :v", N(1)],
    ["the parent of a path", "SET absent.x = :v", N(1)],
    ["room", "SET q = :v", { S: "x".repeat(400 * 1024) }],
  ];
  test.each(cases)("%s", async (_, UpdateExpression, value) => {
    const [key, other] = [newKey(), newKey()];
    await table.put({ ...key, txt: { S: "text" } });
    const { reasons } = await reasonsOf([
      { Put: { TableName, Item: other } },
      {
        Update: {
          TableName,
          Key: key,
          UpdateExpression,
          ExpressionAttributeValues: { ":v": value },
        },
      },
    ]);
    expect(reasons.map(({ Code }) => Code)).toEqual(["None", "ValidationError"]);
    expect((await table.get(other)).Item).toBeUndefined();
  });
});

describe("a transaction is refused", () => {
  const key = newKey();
  const cases: readonly (readonly [string, () => TransactWriteItem[]])[] = [
    ["without actions", () => []],
    ["with an empty action", () => [{}]],
    [
      "with two actions in one",
      () => [{ Put: { TableName, Item: newKey() }, Delete: { TableName, Key: newKey() } }],
    ],
    [
      "with two actions on one item",
      () => [{ Put: { TableName, Item: key } }, { Delete: { TableName, Key: key } }],
    ],
    [
      "that checks and writes one item",
      () => [
        { ConditionCheck: { TableName, Key: key, ConditionExpression: "attribute_exists(PK)" } },
        { Put: { TableName, Item: key } },
      ],
    ],
    [
      "with a check of nothing",
      () => [{ ConditionCheck: { TableName, Key: key, ConditionExpression: undefined } }],
    ],
    ["with an incomplete key", () => [{ Delete: { TableName, Key: { PK: { S: "a" } } } }]],
    [
      "with a broken expression",
      () => [
        {
          Update: {
            TableName,
            Key: key,
            UpdateExpression: "SET n == :v",
            ExpressionAttributeValues: { ":v": N(1) },
          },
        },
      ],
    ],
    ["with an empty index key", () => [{ Put: { TableName, Item: { ...key, team: { S: "" } } } }]],
    [
      "with an item that is too large",
      () => [{ Put: { TableName, Item: { ...key, x: { S: "x".repeat(400 * 1024) } } } }],
    ],
  ];
  test.each(cases)("%s", async (_, items) => {
    expect((await refusal(transact(items()))).name).toBe("ValidationException");
  });

  test("on a table that does not exist", async () => {
    const error = await refusal(
      transact([{ Put: { TableName: "no-such-table", Item: newKey() } }]),
    );
    expect(error.name).toBe("ResourceNotFoundException");
  });

  test("with a token of more than 36 characters", async () => {
    const error = await refusal(transact([{ Put: { TableName, Item: newKey() } }], "x".repeat(37)));
    expect(error.name).toBe("ValidationException");
  });
});
