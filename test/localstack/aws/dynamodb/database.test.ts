import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { DEFINITION, keyed, open } from "./open.ts";

const MINUTE = 60 * 1000;

const newFile = () => {
  const folder = mkdtempSync(join(tmpdir(), "database-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "database.sqlite");
};

describe("what was written", () => {
  test("is there when the file is opened again: items, indexes, stream, late index changes", async () => {
    const file = newFile();
    const before = open({ file, misbehaviour: { indexLagMs: () => 1000 } });
    before.put(keyed("a", { team: { S: "red" } }));
    before.sqlite.close();

    const after = open({ file });
    expect(after.get(keyed("a"))).toEqual(keyed("a", { team: { S: "red" } }));
    expect(after.database.readStream("things", "0", 10)).toHaveLength(1);
    expect(after.team("red")).toEqual([]);
    await after.pass(1000);
    expect(after.team("red")).toEqual(["a"]);
  });

  test("survives a table definition with another index, which is built from it", () => {
    const { database, put } = open();
    put(keyed("a", { team: { S: "red" } }));
    database.createTable({
      ...DEFINITION,
      GlobalSecondaryIndexes: [
        {
          IndexName: "by-team",
          KeySchema: [{ AttributeName: "team", KeyType: "HASH" }],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    });
    const page = database.handle("Query", {
      TableName: "things",
      IndexName: "by-team",
      KeyConditionExpression: "team = :t",
      ExpressionAttributeValues: { ":t": { S: "red" } },
    });
    expect(page).toMatchObject({ Items: [keyed("a", { team: { S: "red" } })] });
    expect(database.readStream("things", "0", 10)).toHaveLength(1);
  });
});

describe("a table definition", () => {
  const create = (change: object) => () =>
    open().database.createTable({ ...DEFINITION, ...change });

  test("cannot change the primary key of a table that exists", () => {
    expect(
      create({
        KeySchema: [{ AttributeName: "PK", KeyType: "HASH" }],
        AttributeDefinitions: [
          { AttributeName: "PK", AttributeType: "S" },
          { AttributeName: "SK", AttributeType: "S" },
          { AttributeName: "team", AttributeType: "S" },
        ],
      }),
    ).toThrow(/primary key cannot be changed/);
  });

  test.each([
    ["an unknown property", { Shape: "round" }, /Shape/],
    ["provisioned capacity", { BillingMode: "PROVISIONED" }, /BillingMode/],
    [
      "another kind of stream",
      { StreamSpecification: { StreamViewType: "KEYS_ONLY" } },
      /StreamViewType/,
    ],
    ["a local index", { LocalSecondaryIndexes: [] }, /LocalSecondaryIndexes/],
  ])("with %s is refused by name", (_, change, message) => {
    expect(create(change)).toThrow(message);
  });

  test("may protect and encrypt, which changes nothing here", () => {
    expect(
      create({
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        DeletionProtectionEnabled: true,
      }),
    ).not.toThrow();
  });
});

describe("a request", () => {
  const handle = (operation: string, more: object) => () =>
    open().database.handle(operation, { TableName: "things", ...more });

  test.each([
    ["PutItem", { Item: keyed("a"), Expected: {} }, "Expected"],
    ["UpdateItem", { Key: keyed("a"), AttributeUpdates: {} }, "AttributeUpdates"],
    ["Query", { KeyConditions: {} }, "KeyConditions"],
    ["Query", { KeyConditionExpression: "PK = :p", QueryFilter: {} }, "QueryFilter"],
    ["GetItem", { Key: keyed("a"), AttributesToGet: ["a"] }, "AttributesToGet"],
    ["DeleteItem", { Key: keyed("a"), ConditionalOperator: "AND" }, "ConditionalOperator"],
  ])("%s with a legacy parameter is refused by its name", (operation, request, parameter) => {
    expect(handle(operation, request)).toThrow(`${parameter} is a legacy parameter`);
  });

  test.each([
    ["PutItem", { Item: keyed("a"), Colour: "red" }, "Colour"],
    ["Scan", { Segment: 0, TotalSegments: 2 }, "Segment"],
    ["TransactWriteItems", { TransactItems: [{ Get: {} }] }, "TableName"],
    ["CreateTable", { TimeToLiveSpecification: {} }, "TimeToLiveSpecification"],
  ])("%s with an unknown parameter is refused by its name", (operation, request, parameter) => {
    expect(handle(operation, request)).toThrow(`Unknown or unsupported parameter: ${parameter}`);
  });

  test.each([
    ["PutItem", { Item: { ...keyed("a"), x: { S: 1 } } }],
    ["PutItem", { Item: { ...keyed("a"), x: { B: "%%" } } }],
    ["PutItem", { Item: { ...keyed("a"), x: "text" } }],
    ["PutItem", { Item: [] }],
    ["GetItem", { Key: keyed("a"), ConsistentRead: "yes" }],
    ["Query", { KeyConditionExpression: 1 }],
  ])("%s of another shape is refused: %j", (operation, request) => {
    expect(handle(operation, request)).toThrow(
      expect.objectContaining({ name: "SerializationException" }),
    );
  });

  test("of an operation that is not offered is refused by its name", () => {
    for (const operation of ["TransactGetItems", "constructor"])
      expect(handle(operation, {})).toThrow(
        expect.objectContaining({
          name: "UnknownOperationException",
          message: `Unknown or unsupported operation: ${operation}`,
        }),
      );
  });

  test("may use names that mean something to JavaScript", () => {
    const { put, get } = open();
    const item = JSON.parse(
      '{"PK":{"S":"p"},"SK":{"S":"a"},"__proto__":{"M":{"__proto__":{"S":"x"}}},"constructor":{"N":"1"}}',
    );
    put(item);
    expect(JSON.stringify(get(keyed("a")))).toBe(JSON.stringify(item));
  });

  test("that fails inside leaves nothing behind", () => {
    const { database, sqlite, get } = open();
    sqlite.exec(
      "CREATE TRIGGER fail BEFORE INSERT ON dynamodb_stream_1 BEGIN SELECT raise(ABORT, 'disk'); END",
    );
    expect(() => database.handle("PutItem", { TableName: "things", Item: keyed("a") })).toThrow(
      "disk",
    );
    expect(get(keyed("a"))).toBeUndefined();
    expect(sqlite.isTransaction).toBe(false);
  });
});

describe("a transaction's token", () => {
  test("counts for ten minutes", async () => {
    const { database, get, pass } = open();
    const add = () =>
      database.handle("TransactWriteItems", {
        ClientRequestToken: "token",
        TransactItems: [
          {
            Update: {
              TableName: "things",
              Key: keyed("a"),
              UpdateExpression: "ADD n :one",
              ExpressionAttributeValues: { ":one": { N: "1" } },
            },
          },
        ],
      });
    add();
    await pass(9 * MINUTE);
    database.sweep();
    add();
    expect(get(keyed("a"))?.["n"]).toEqual({ N: "1" });
    await pass(2 * MINUTE);
    add();
    expect(get(keyed("a"))?.["n"]).toEqual({ N: "2" });
  });
});
