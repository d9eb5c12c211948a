import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlainTable, type Item, newKey, tableCalls } from "./dynamodb-fixture.ts";
import { type Endpoint, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;
let table: ReturnType<typeof tableCalls>;

beforeAll(async () => {
  endpoint = await openEndpoint();
  table = tableCalls(endpoint.client, await createPlainTable(endpoint));
}, 150_000);
afterAll(() => endpoint.close());

describe("an item", () => {
  test("comes back with values of every type as it was stored", async () => {
    const key = newKey();
    const item: Item = {
      ...key,
      text: { S: "räksmörgås 😀" },
      empty: { S: "" },
      number: { N: "-12.5" },
      bytes: { B: new Uint8Array([0, 1, 254, 255]) },
      flag: { BOOL: false },
      nothing: { NULL: true },
      list: { L: [{ S: "a" }, { L: [] }, { M: {} }] },
      map: { M: { inner: { N: "1" } } },
    };
    await table.put(item);
    expect((await table.get(key)).Item).toEqual(item);
  });

  test("keeps the members of its sets, in whatever order", async () => {
    const key = newKey();
    await table.put({
      ...key,
      names: { SS: ["b", "a"] },
      numbers: { NS: ["10", "9"] },
      blobs: { BS: [new Uint8Array([2]), new Uint8Array([1])] },
    });
    const { Item: found } = await table.get(key);
    expect(new Set(found?.["names"]?.SS)).toEqual(new Set(["a", "b"]));
    expect(new Set(found?.["numbers"]?.NS)).toEqual(new Set(["9", "10"]));
    expect(found?.["blobs"]?.BS).toHaveLength(2);
  });

  test("replaces the whole item that had its key", async () => {
    const key = newKey();
    await table.put({ ...key, first: { S: "1" } });
    await table.put({ ...key, second: { S: "2" } });
    expect((await table.get(key)).Item).toEqual({ ...key, second: { S: "2" } });
  });

  test("that does not exist is absent from the answer", async () => {
    expect((await table.get(newKey())).Item).toBeUndefined();
  });
});

describe("a number", () => {
  test.each([
    ["1.0", "1"],
    ["007", "7"],
    ["-0", "0"],
    ["1e3", "1000"],
    ["1E-3", "0.001"],
    ["12345678901234567890123456789012345678", "12345678901234567890123456789012345678"],
    ["0.1234567890123456789012345678901234567", "0.1234567890123456789012345678901234567"],
    ["9.9E125", `99${"0".repeat(124)}`],
    ["-1E-130", `-0.${"0".repeat(129)}1`],
  ])("%s is stored as %s", async (written, stored) => {
    const key = newKey();
    await table.put({ ...key, number: { N: written } });
    expect((await table.get(key)).Item?.["number"]).toEqual({ N: stored });
  });

  test.each([
    ["abc", "no number"],
    ["", "empty"],
    ["1".repeat(39), "39 digits"],
    ["1E126", "too large"],
    ["-1E126", "too large below zero"],
    ["1E-131", "too small"],
  ])("%s is refused: %s", async (number) => {
    const error = await refusal(table.put({ ...newKey(), number: { N: number } }));
    expect(error.name).toBe("ValidationException");
  });
});

describe("PutItem", () => {
  test("returns the item it replaced, on request", async () => {
    const key = newKey();
    const first = await table.put({ ...key, n: { N: "1" } }, { ReturnValues: "ALL_OLD" });
    const second = await table.put({ ...key, n: { N: "2" } }, { ReturnValues: "ALL_OLD" });
    expect(first.Attributes).toBeUndefined();
    expect(second.Attributes).toEqual({ ...key, n: { N: "1" } });
  });

  test("does not return the new item", async () => {
    const error = await refusal(table.put(newKey(), { ReturnValues: "ALL_NEW" }));
    expect(error.name).toBe("ValidationException");
  });

  const invalid: readonly (readonly [string, Item])[] = [
    ["without its range key", { PK: { S: "a" } }],
    ["with a key of another type", { PK: { S: "a" }, SK: { N: "1" } }],
    ["with an empty hash key", { PK: { S: "" }, SK: { S: "a" } }],
    ["with an empty range key", { PK: { S: "a" }, SK: { S: "" } }],
    ["with an attribute without a name", { PK: { S: "a" }, SK: { S: "a" }, "": { S: "a" } }],
    ["with an empty string set", { PK: { S: "a" }, SK: { S: "a" }, set: { SS: [] } }],
    ["with an empty number set", { PK: { S: "a" }, SK: { S: "a" }, set: { NS: [] } }],
    [
      "with a set that repeats a member",
      { PK: { S: "a" }, SK: { S: "a" }, set: { SS: ["a", "a"] } },
    ],
    [
      "with a set that repeats a number in another spelling",
      { PK: { S: "a" }, SK: { S: "a" }, set: { NS: ["1", "1.0"] } },
    ],
  ];
  test.each(invalid)("refuses an item %s", async (_, item) => {
    expect((await refusal(table.put(item))).name).toBe("ValidationException");
  });

  test("refuses a table that does not exist", async () => {
    const elsewhere = tableCalls(endpoint.client, "no-such-table");
    expect((await refusal(elsewhere.put(newKey()))).name).toBe("ResourceNotFoundException");
  });
});

describe("GetItem", () => {
  test("returns only what the projection names, lists closed up", async () => {
    const key = newKey();
    await table.put({
      ...key,
      a: { S: "a" },
      things: { L: [{ S: "0" }, { S: "1" }, { M: { x: { S: "2" }, y: { S: "no" } } }] },
      mp: { M: { deep: { M: { x: { N: "1" }, y: { N: "2" } } } } },
    });
    const { Item: found } = await table.get(key, {
      ProjectionExpression: "#a, things[0], things[2].x, mp.deep.y, absent",
      ExpressionAttributeNames: { "#a": "a" },
    });
    expect(found).toEqual({
      a: { S: "a" },
      things: { L: [{ S: "0" }, { M: { x: { S: "2" } } }] },
      mp: { M: { deep: { M: { y: { N: "2" } } } } },
    });
  });

  test("returns an empty item when the projection finds nothing in it", async () => {
    const key = newKey();
    await table.put(key);
    expect((await table.get(key, { ProjectionExpression: "absent" })).Item).toEqual({});
  });

  test.each([
    ["overlapping paths", "mp, mp.x"],
    ["the same path twice", "a, a"],
    ["a reserved word", "name"],
    ["a placeholder that is not defined", "#nope"],
    ["a broken path", "a..b"],
    ["nothing", ""],
  ])("refuses a projection of %s", async (_, ProjectionExpression) => {
    const error = await refusal(table.get(newKey(), { ProjectionExpression }));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain("Invalid ProjectionExpression");
  });

  const wrong: readonly (readonly [string, Item])[] = [
    ["a missing range key", { PK: { S: "a" } }],
    ["an attribute too many", { PK: { S: "a" }, SK: { S: "a" }, other: { S: "a" } }],
    ["another attribute instead", { PK: { S: "a" }, other: { S: "a" } }],
    ["a value of another type", { PK: { S: "a" }, SK: { N: "1" } }],
    ["an empty value", { PK: { S: "a" }, SK: { S: "" } }],
  ];
  test.each(wrong)("refuses a key with %s", async (_, key) => {
    expect((await refusal(table.get(key))).name).toBe("ValidationException");
  });
});

describe("DeleteItem", () => {
  test("removes the item and returns it, on request", async () => {
    const key = newKey();
    await table.put({ ...key, n: { N: "1" } });
    const { Attributes } = await table.remove(key, { ReturnValues: "ALL_OLD" });
    expect(Attributes).toEqual({ ...key, n: { N: "1" } });
    expect((await table.get(key)).Item).toBeUndefined();
  });

  test("is content when there is nothing to delete", async () => {
    const { Attributes } = await table.remove(newKey(), { ReturnValues: "ALL_OLD" });
    expect(Attributes).toBeUndefined();
  });

  test("deletes only on its condition", async () => {
    const key = newKey();
    await table.put({ ...key, locked: { BOOL: true } });
    const error = await refusal(
      table.remove(key, {
        ConditionExpression: "locked = :no",
        ExpressionAttributeValues: { ":no": { BOOL: false } },
      }),
    );
    expect(error.name).toBe("ConditionalCheckFailedException");
    expect((await table.get(key)).Item).toBeDefined();
  });
});

describe("limits", () => {
  test("an item of exactly 400 KB fits", async () => {
    const key = newKey();
    const others = "PK".length + key.PK.S.length + "SK".length + key.SK.S.length + "x".length;
    await table.put({ ...key, x: { S: "x".repeat(400 * 1024 - others) } });
    expect((await table.get(key)).Item?.["x"]?.S).toHaveLength(400 * 1024 - others);
  });

  test("a byte more does not", async () => {
    const key = newKey();
    const others = "PK".length + key.PK.S.length + "SK".length + key.SK.S.length + "x".length;
    const error = await refusal(
      table.put({ ...key, x: { S: "x".repeat(400 * 1024 - others + 1) } }),
    );
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain("Item size has exceeded the maximum allowed size");
  });

  test("bytes count, not characters", async () => {
    const error = await refusal(table.put({ ...newKey(), x: { S: "å".repeat(205 * 1024) } }));
    expect(error.name).toBe("ValidationException");
  });

  test.each([
    [
      "hash",
      { PK: { S: "x".repeat(2048) }, SK: { S: "a" } },
      { PK: { S: "x".repeat(2049) }, SK: { S: "a" } },
    ],
    [
      "range",
      { PK: { S: "a" }, SK: { S: "x".repeat(1024) } },
      { PK: { S: "a" }, SK: { S: "x".repeat(1025) } },
    ],
  ])("a %s key has a longest length", async (_, fits, exceeds) => {
    await table.put(fits);
    expect((await refusal(table.put(exceeds))).name).toBe("ValidationException");
  });

  const nested = (depth: number) => {
    let value: Item[string] = { S: "innermost" };
    for (let level = 1; level < depth; level += 1) value = { L: [value] };
    return value;
  };
  test("values nest 32 levels deep and no further", async () => {
    await table.put({ ...newKey(), deep: nested(32) });
    const error = await refusal(table.put({ ...newKey(), deep: nested(33) }));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain("Nesting Levels have exceeded supported limits");
  });
});
