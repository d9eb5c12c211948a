import { expect, test } from "vitest";
import { testStack } from "../localstack/aws/harness.ts";
import { capacityMeter, noUnits } from "./capacity-units.ts";

const TableName = "units";
const Table = {
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "PK", AttributeType: "S" },
      { AttributeName: "due", AttributeType: "S" },
    ],
    KeySchema: [{ AttributeName: "PK", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      {
        IndexName: "due",
        KeySchema: [{ AttributeName: "due", KeyType: "HASH" }],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  },
};

const Key = { PK: { S: "a" } };
const item = (bytes: number, more: object = {}) => ({
  ...Key,
  fill: { S: "x".repeat(bytes) },
  ...more,
});
const DUE = { due: { S: "soon" } };

/** Units of the last call of several. */
const unitsOf = async (...calls: readonly (readonly [operation: string, input: object])[]) => {
  await using stack = await testStack({}, { Table });
  const meter = capacityMeter(() => stack.database);
  let units = noUnits();
  for (const [operation, input] of calls) {
    units = noUnits();
    try {
      meter(units, operation, input, () => stack.database.handle(operation, input));
    } catch (error) {
      expect(error).toMatchObject({ name: "ConditionalCheckFailedException" });
    }
  }
  return units;
};
const put = (Item: object, more: object = {}) => ["PutItem", { TableName, Item, ...more }] as const;

test.each([
  ["a write takes a unit for each KB", [put(item(2_000))], { writes: 2 }],
  [
    "a smaller item in place of a larger one takes what the larger one is",
    [put(item(2_000)), put(item(1))],
    { writes: 2 },
  ],
  [
    "a deletion takes what was there",
    [put(item(2_000)), ["DeleteItem", { TableName, Key }]],
    { writes: 2 },
  ],
  [
    "a write that its condition refuses takes as much",
    [put(item(2_000)), put(item(1), { ConditionExpression: "attribute_not_exists(PK)" })],
    { writes: 2 },
  ],
  ["an entry of an index is a write", [put(item(2_000, DUE))], { writes: 4, indexWrites: 2 }],
  [
    "one that moves in its index is two",
    [put(item(2_000, DUE)), put(item(1, { due: { S: "late" } }))],
    { writes: 5, indexWrites: 3 },
  ],
  [
    "an index takes nothing when nothing changes",
    [put(item(1, DUE)), put(item(1, DUE))],
    { writes: 1, indexWrites: 0 },
  ],
  [
    "a transaction takes twice as much, for what it only checks too, but not in indexes",
    [
      [
        "TransactWriteItems",
        {
          TransactItems: [
            { Put: { TableName, Item: item(2_000, DUE) } },
            {
              ConditionCheck: {
                TableName,
                Key: { PK: { S: "b" } },
                ConditionExpression: "attribute_not_exists(PK)",
              },
            },
          ],
        },
      ],
    ],
    { writes: 8, indexWrites: 2 },
  ],
  [
    "a consistent read takes a unit for each 4 KB",
    [put(item(5_000)), ["GetItem", { TableName, Key, ConsistentRead: true }]],
    { reads: 2 },
  ],
  ["any other read takes half", [put(item(5_000)), ["GetItem", { TableName, Key }]], { reads: 1 }],
  ["nothing is read for half a unit", [["GetItem", { TableName, Key }]], { reads: 0.5 }],
] as const)("%s", async (_, calls, units) => {
  expect(await unitsOf(...calls)).toMatchObject(units);
});
