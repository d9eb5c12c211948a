import { describe, expect, test } from "vitest";
import { keyed, open, START } from "./open.ts";

const HOUR = 60 * 60 * 1000;

describe("a stream record", () => {
  test("tells what was and what is", () => {
    const { database, put } = open();
    put(keyed("a", { n: { N: "1" } }));
    put(keyed("a", { n: { N: "2" } }));
    database.handle("DeleteItem", { TableName: "things", Key: keyed("a") });
    const records = database.readStream("things", "0", 10);
    expect(records.map(({ eventName }) => eventName)).toEqual(["INSERT", "MODIFY", "REMOVE"]);
    expect(records[1]).toMatchObject({
      eventSource: "aws:dynamodb",
      eventVersion: "1.1",
      awsRegion: "us-east-1",
      eventSourceARN: expect.stringMatching(/^arn:aws:dynamodb:.*table\/things\/stream\//),
      dynamodb: {
        ApproximateCreationDateTime: START / 1000,
        Keys: keyed("a"),
        OldImage: keyed("a", { n: { N: "1" } }),
        NewImage: keyed("a", { n: { N: "2" } }),
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
    });
    expect(records[0]?.dynamodb?.OldImage).toBeUndefined();
    expect(records[2]?.dynamodb?.NewImage).toBeUndefined();
    expect(new Set(records.map(({ eventID }) => eventID)).size).toBe(3);
  });

  test("has a sequence number of 21 digits, to go on from", () => {
    const { database, put } = open();
    for (const sk of ["a", "b", "c"]) put(keyed(sk));
    const [first, second] = database.readStream("things", "0", 2);
    const sequence = second?.dynamodb?.SequenceNumber ?? "";
    expect(sequence).toMatch(/^\d{21}$/);
    expect((first?.dynamodb?.SequenceNumber ?? "") < sequence).toBe(true);
    const rest = database.readStream("things", sequence, 10);
    expect(rest.map(({ dynamodb }) => dynamodb?.Keys)).toEqual([keyed("c")]);
  });

  test("is not written when nothing changes", () => {
    const { database, put } = open();
    put(keyed("a", { tags: { SS: ["x", "y"] }, n: { N: "1" } }));
    put(keyed("a", { n: { N: "1.0" }, tags: { SS: ["y", "x"] } }));
    database.handle("UpdateItem", {
      TableName: "things",
      Key: keyed("a"),
      UpdateExpression: "SET n = :n",
      ExpressionAttributeValues: { ":n": { N: "1" } },
    });
    database.handle("DeleteItem", { TableName: "things", Key: keyed("absent") });
    expect(database.readStream("things", "0", 10)).toHaveLength(1);
  });

  test("is not written by a transaction that is cancelled", () => {
    const { database } = open();
    expect(() =>
      database.handle("TransactWriteItems", {
        TransactItems: [
          { Put: { TableName: "things", Item: keyed("a") } },
          {
            Update: {
              TableName: "things",
              Key: keyed("b"),
              UpdateExpression: "SET n = absent",
            },
          },
        ],
      }),
    ).toThrow(/cancelled/);
    expect(database.readStream("things", "0", 10)).toEqual([]);
  });

  test("is kept for 24 hours, and its number never comes again", async () => {
    const { database, put, pass } = open();
    put(keyed("a"));
    await pass(23 * HOUR);
    put(keyed("b"));
    database.sweep();
    expect(database.readStream("things", "0", 10)).toHaveLength(2);
    await pass(2 * HOUR);
    database.sweep();
    const [left, ...others] = database.readStream("things", "0", 10);
    expect(others).toEqual([]);
    await pass(25 * HOUR);
    database.sweep();
    put(keyed("c"));
    const [last] = database.readStream("things", "0", 10);
    expect((last?.dynamodb?.SequenceNumber ?? "") > (left?.dynamodb?.SequenceNumber ?? "~")).toBe(
      true,
    );
  });
});

describe("a listener", () => {
  test("hears of each commit with records, once it can read them", () => {
    const { database, put } = open();
    const heard: number[] = [];
    const stop = database.onStream((table) =>
      heard.push(database.readStream(table, "0", 10).length),
    );
    put(keyed("a"));
    put(keyed("a"));
    database.handle("TransactWriteItems", {
      TransactItems: [
        { Put: { TableName: "things", Item: keyed("b") } },
        { Put: { TableName: "things", Item: keyed("c") } },
      ],
    });
    stop();
    put(keyed("d"));
    expect(heard).toEqual([1, 3]);
  });
});

describe("an item that expires", () => {
  const at = (ms: number) => ({ expires_at: { N: String(Math.floor(ms / 1000)) } });

  test("stays readable until the sweep, which says that the service deleted it", async () => {
    const { database, put, get, pass, team } = open();
    put(keyed("a", { ...at(START + HOUR), team: { S: "red" } }));
    put(keyed("b", at(START + 3 * HOUR)));
    await pass(2 * HOUR);
    expect(get(keyed("a"))).toBeDefined();
    database.sweep();
    expect(get(keyed("a"))).toBeUndefined();
    expect(get(keyed("b"))).toBeDefined();
    expect(team("red")).toEqual([]);
    expect(database.readStream("things", "0", 10).at(-1)).toMatchObject({
      eventName: "REMOVE",
      userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
      dynamodb: { Keys: keyed("a") },
    });
  });

  test("is left alone without a number, or when it expired five years ago", async () => {
    const { database, put, get, pass } = open();
    put(keyed("text", { expires_at: { S: "soon" } }));
    put(keyed("old", { expires_at: { N: "1" } }));
    await pass(HOUR);
    database.sweep();
    expect(get(keyed("text"))).toBeDefined();
    expect(get(keyed("old"))).toBeDefined();
  });

  test("is found by the attribute that was named last", async () => {
    const { database, put, get, pass } = open();
    put(keyed("a", { until: { N: String(START / 1000 + 1) } }));
    const update = (AttributeName: string, Enabled: boolean) =>
      database.handle("UpdateTimeToLive", {
        TableName: "things",
        TimeToLiveSpecification: { AttributeName, Enabled },
      });
    update("expires_at", false);
    update("until", true);
    await pass(HOUR);
    database.sweep();
    expect(get(keyed("a"))).toBeUndefined();
  });
});
