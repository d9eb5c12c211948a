import { describe, expect, test } from "vitest";
import { AwsError } from "../../../../localstack/aws/errors.ts";
import { keyed, open } from "./open.ts";

/** Answers from a list, then no more. */
const inTurn = <T>(answers: readonly T[], afterwards: T) => {
  const left = [...answers];
  return () => left.shift() ?? afterwards;
};

const refused = (act: () => unknown): AwsError => {
  try {
    act();
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
};

describe("an index that lags", () => {
  test("shows a write after its time, the table at once", async () => {
    const { put, get, team, pass } = open({ misbehaviour: { indexLagMs: () => 500 } });
    put(keyed("a", { team: { S: "red" } }));
    expect(get(keyed("a"))).toBeDefined();
    expect(team("red")).toEqual([]);
    await pass(499);
    expect(team("red")).toEqual([]);
    await pass(1);
    expect(team("red")).toEqual(["a"]);
  });

  test("never lets changes of one item overtake each other", async () => {
    const { put, team, pass } = open({ misbehaviour: { indexLagMs: inTurn([1000], 0) } });
    put(keyed("a", { team: { S: "red" } }));
    put(keyed("a", { team: { S: "blue" } }));
    expect([team("red"), team("blue")]).toEqual([[], []]);
    await pass(1000);
    expect([team("red"), team("blue")]).toEqual([[], ["a"]]);
  });

  test("lets changes of different items overtake each other", async () => {
    const { put, team } = open({ misbehaviour: { indexLagMs: inTurn([1000], 0) } });
    put(keyed("a", { team: { S: "red" } }));
    put(keyed("b", { team: { S: "red" } }));
    expect(team("red")).toEqual(["b"]);
  });

  test("forgets a deleted item late", async () => {
    const { database, put, team, pass } = open({
      misbehaviour: { indexLagMs: inTurn([0, 300], 0) },
    });
    put(keyed("a", { team: { S: "red" } }));
    database.handle("DeleteItem", { TableName: "things", Key: keyed("a") });
    expect(team("red")).toEqual(["a"]);
    await pass(300);
    expect(team("red")).toEqual([]);
  });
});

describe("a transaction in conflict", () => {
  test("is cancelled, writes nothing, and goes through when it is tried again", () => {
    const { database, get } = open({ misbehaviour: { conflicts: inTurn([true], false) } });
    const request = {
      ClientRequestToken: "token",
      TransactItems: [
        { Put: { TableName: "things", Item: keyed("a") } },
        { Put: { TableName: "things", Item: keyed("b") } },
      ],
    };
    const error = refused(() => database.handle("TransactWriteItems", request));
    expect(error.name).toBe("TransactionCanceledException");
    expect(error.extra["CancellationReasons"]).toEqual([
      { Code: "TransactionConflict", Message: "Transaction is ongoing for the item" },
      { Code: "None" },
    ]);
    expect(get(keyed("a"))).toBeUndefined();
    database.handle("TransactWriteItems", request);
    expect(get(keyed("b"))).toBeDefined();
  });
});

describe("throttling", () => {
  test("refuses a call before it does anything", () => {
    const { put, get } = open({ misbehaviour: { throttles: inTurn([true], false) } });
    expect(refused(() => put(keyed("a"))).name).toBe("ThrottlingException");
    expect(get(keyed("a"))).toBeUndefined();
  });

  test("leaves some of a batch unprocessed", () => {
    const { database, get } = open({ misbehaviour: { throttles: inTurn([false, true], false) } });
    const requests = [
      { PutRequest: { Item: keyed("a") } },
      { PutRequest: { Item: keyed("b") } },
      { PutRequest: { Item: keyed("c") } },
    ];
    const answer = database.handle("BatchWriteItem", { RequestItems: { things: requests } });
    expect(answer).toEqual({ UnprocessedItems: { things: [requests[1]] } });
    expect([get(keyed("a")), get(keyed("b")), get(keyed("c"))]).toEqual([
      keyed("a"),
      undefined,
      keyed("c"),
    ]);
  });

  test("leaves some keys of a batch unread, with the options to read them", () => {
    const { database, put } = open({
      misbehaviour: { throttles: inTurn([false, false, true, false], false) },
    });
    put(keyed("a"));
    put(keyed("b"));
    const options = { ConsistentRead: true, ProjectionExpression: "SK" };
    const answer = database.handle("BatchGetItem", {
      RequestItems: { things: { Keys: [keyed("a"), keyed("b")], ...options } },
    });
    expect(answer).toEqual({
      Responses: { things: [{ SK: { S: "b" } }] },
      UnprocessedKeys: { things: { Keys: [keyed("a")], ...options } },
    });
  });

  test("refuses a batch of which nothing gets through", () => {
    const { database } = open({ misbehaviour: { throttles: () => true } });
    const error = refused(() =>
      database.handle("BatchWriteItem", {
        RequestItems: { things: [{ PutRequest: { Item: keyed("a") } }] },
      }),
    );
    expect(error.name).toBe("ThrottlingException");
  });
});
