import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlainTable, newKey, tableCalls } from "./dynamodb-fixture.ts";
import { type Endpoint, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;
let table: ReturnType<typeof tableCalls>;
let tableName: string;

beforeAll(async () => {
  endpoint = await openEndpoint();
  tableName = await createPlainTable(endpoint);
  table = tableCalls(endpoint.client, tableName);
}, 150_000);
afterAll(() => endpoint.close());

type WriteRequests = NonNullable<BatchWriteItemCommandInput["RequestItems"]>[string];
type GetRequest = NonNullable<BatchGetItemCommandInput["RequestItems"]>[string];

const write = (requests: WriteRequests, name = tableName) =>
  endpoint.client.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
const read = (request: GetRequest, name = tableName) =>
  endpoint.client.send(new BatchGetItemCommand({ RequestItems: { [name]: request } }));

const keys = (count: number) => Array.from({ length: count }, newKey);

describe("BatchWriteItem", () => {
  test("puts and deletes", async () => {
    const [old, one, two] = [newKey(), newKey(), newKey()];
    await table.put(old);
    const { UnprocessedItems } = await write([
      { PutRequest: { Item: { ...one, n: { N: "1" } } } },
      { PutRequest: { Item: two } },
      { DeleteRequest: { Key: old } },
    ]);
    expect(UnprocessedItems).toEqual({});
    expect((await table.get(one)).Item).toEqual({ ...one, n: { N: "1" } });
    expect((await table.get(two)).Item).toEqual(two);
    expect((await table.get(old)).Item).toBeUndefined();
  });

  test("takes 25 requests and no more", async () => {
    await write(keys(25).map((Item) => ({ PutRequest: { Item } })));
    const error = await refusal(write(keys(26).map((Item) => ({ PutRequest: { Item } }))));
    expect(error.name).toBe("ValidationException");
  });

  test("refuses two requests for one item", async () => {
    const key = newKey();
    const error = await refusal(
      write([{ PutRequest: { Item: key } }, { DeleteRequest: { Key: key } }]),
    );
    expect(error.message).toContain("Provided list of item keys contains duplicates");
  });

  test("refuses an empty batch", async () => {
    expect((await refusal(write([]))).name).toBe("ValidationException");
  });

  test("refuses a batch with a wrong item, and writes none of it", async () => {
    const key = newKey();
    const error = await refusal(
      write([{ PutRequest: { Item: key } }, { PutRequest: { Item: { PK: { S: "a" } } } }]),
    );
    expect(error.name).toBe("ValidationException");
    expect((await table.get(key)).Item).toBeUndefined();
  });

  test("refuses a table that does not exist", async () => {
    const error = await refusal(write([{ PutRequest: { Item: newKey() } }], "no-such-table"));
    expect(error.name).toBe("ResourceNotFoundException");
  });
});

describe("BatchGetItem", () => {
  test("returns the items that exist", async () => {
    const [one, two, absent] = [newKey(), newKey(), newKey()];
    await table.put({ ...one, n: { N: "1" } });
    await table.put({ ...two, n: { N: "2" } });
    const { Responses, UnprocessedKeys } = await read({
      Keys: [one, absent, two],
      ConsistentRead: true,
    });
    const found = Responses?.[tableName] ?? [];
    expect(new Set(found.map((item) => item["n"]?.N))).toEqual(new Set(["1", "2"]));
    expect(found).toHaveLength(2);
    expect(UnprocessedKeys).toEqual({});
  });

  test("returns only what the projection names", async () => {
    const key = newKey();
    await table.put({ ...key, n: { N: "1" }, m: { N: "2" } });
    const { Responses } = await read({
      Keys: [key],
      ProjectionExpression: "#n",
      ExpressionAttributeNames: { "#n": "n" },
    });
    expect(Responses?.[tableName]).toEqual([{ n: { N: "1" } }]);
  });

  test("takes 100 keys and no more", async () => {
    await read({ Keys: keys(100) });
    expect((await refusal(read({ Keys: keys(101) }))).name).toBe("ValidationException");
  });

  test("refuses the same key twice", async () => {
    const key = newKey();
    const error = await refusal(read({ Keys: [key, key] }));
    expect(error.message).toContain("Provided list of item keys contains duplicates");
  });

  test("refuses an empty list, a wrong key and an unknown table", async () => {
    expect((await refusal(read({ Keys: [] }))).name).toBe("ValidationException");
    expect((await refusal(read({ Keys: [{ PK: { S: "a" } }] }))).name).toBe("ValidationException");
    expect((await refusal(read({ Keys: [newKey()] }, "no-such-table"))).name).toBe(
      "ResourceNotFoundException",
    );
  });

  test("leaves keys beyond 16 MB for the next call", async () => {
    const large = keys(42);
    for (const key of large) await table.put({ ...key, x: { S: "x".repeat(399 * 1024) } });
    const { Responses, UnprocessedKeys } = await read({ Keys: large, ConsistentRead: true });
    const left = UnprocessedKeys?.[tableName];
    const found = Responses?.[tableName] ?? [];
    expect(left?.Keys?.length).toBeGreaterThan(0);
    expect(found.length + (left?.Keys?.length ?? 0)).toBe(42);
    expect(left?.ConsistentRead).toBe(true);
  }, 60_000);
});
