import { paginateScan, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlainTable, type Item, tableCalls } from "./dynamodb-fixture.ts";
import { type Endpoint, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;
let table: ReturnType<typeof tableCalls>;
let tableName: string;

const S = (s: string) => ({ S: s });

beforeAll(async () => {
  endpoint = await openEndpoint();
  tableName = await createPlainTable(endpoint);
  table = tableCalls(endpoint.client, tableName);
  for (let i = 0; i < 10; i += 1)
    await table.put({
      PK: S("fleet"),
      SK: S(`${i < 5 ? "host" : "rack"}-${i}`),
      n: { N: String(i) },
    });
  await table.put({ PK: S("other"), SK: S("host-0") });
}, 150_000);
afterAll(() => endpoint.close());

const P = { ":p": S("fleet") };

const names = async (
  condition: string,
  values: Item = {},
  more: Partial<QueryCommandInput> = {},
): Promise<readonly (string | undefined)[]> => {
  const { Items } = await table.query(condition, {
    ExpressionAttributeValues: { ...P, ...values },
    ...more,
  });
  return (Items ?? []).map((item) => item["SK"]?.S);
};

const hosts = [0, 1, 2, 3, 4].map((i) => `host-${i}`);
const racks = [5, 6, 7, 8, 9].map((i) => `rack-${i}`);

describe("a query finds", () => {
  const cases: readonly (readonly [string, Item, readonly string[]])[] = [
    ["PK = :p", {}, [...hosts, ...racks]],
    [":p = PK", {}, [...hosts, ...racks]],
    ["PK = :p AND SK = :s", { ":s": S("host-3") }, ["host-3"]],
    ["PK = :p AND SK < :s", { ":s": S("host-2") }, ["host-0", "host-1"]],
    ["PK = :p AND SK <= :s", { ":s": S("host-2") }, ["host-0", "host-1", "host-2"]],
    ["PK = :p AND SK > :s", { ":s": S("rack-7") }, ["rack-8", "rack-9"]],
    ["PK = :p AND SK >= :s", { ":s": S("rack-7") }, ["rack-7", "rack-8", "rack-9"]],
    [
      "PK = :p AND SK BETWEEN :a AND :b",
      { ":a": S("host-3"), ":b": S("rack-5") },
      ["host-3", "host-4", "rack-5"],
    ],
    ["PK = :p AND begins_with(SK, :s)", { ":s": S("rack-") }, racks],
    ["begins_with(SK, :s) AND PK = :p", { ":s": S("rack-") }, racks],
    ["(PK = :p) AND (SK > :s)", { ":s": S("rack-8") }, ["rack-9"]],
    ["PK = :p AND SK = :s", { ":s": S("absent") }, []],
  ];
  test.each(cases)("%s %j", async (condition, values, expected) => {
    expect(await names(condition, values)).toEqual(expected);
  });

  test("items backwards", async () => {
    expect(await names("PK = :p", {}, { ScanIndexForward: false, Limit: 2 })).toEqual([
      "rack-9",
      "rack-8",
    ]);
  });

  test("strings in the order of their UTF-8 bytes", async () => {
    // UTF-16 order would put the emoji before the full-width letter.
    const ordered = ["A", "Z", "a", "é", "ｚ", "😀"];
    for (const sk of [...ordered].reverse()) await table.put({ PK: S("order"), SK: S(sk) });
    expect(await names("PK = :p", { ":p": S("order") })).toEqual(ordered);
  });
});

describe("a range key", () => {
  test("of numbers is ordered by value", async () => {
    const numbers = tableCalls(endpoint.client, await createPlainTable(endpoint, "N"));
    const ordered = ["-1000", "-10.5", "-10", "-0.001", "0", "0.0005", "1", "9", "10", "1000000"];
    for (const n of [...ordered].reverse()) await numbers.put({ PK: S("p"), SK: { N: n } });
    const { Items } = await numbers.query("PK = :p AND SK BETWEEN :a AND :b", {
      ExpressionAttributeValues: { ":p": S("p"), ":a": { N: "-10.50" }, ":b": { N: "1E1" } },
    });
    expect(Items?.map((item) => item["SK"]?.N)).toEqual(ordered.slice(1, 9));
  }, 130_000);

  test("of bytes is ordered by them", async () => {
    const blobs = tableCalls(endpoint.client, await createPlainTable(endpoint, "B"));
    const ordered = [[0], [0, 1], [1], [127], [128], [255], [255, 255]];
    for (const bytes of [...ordered].reverse())
      await blobs.put({ PK: S("p"), SK: { B: new Uint8Array(bytes) } });
    const all = await blobs.query("PK = :p", { ExpressionAttributeValues: { ":p": S("p") } });
    expect(all.Items?.map((item) => [...(item["SK"]?.B ?? [])])).toEqual(ordered);
    const prefixed = await blobs.query("PK = :p AND begins_with(SK, :b)", {
      ExpressionAttributeValues: { ":p": S("p"), ":b": { B: new Uint8Array([255]) } },
    });
    expect(prefixed.Count).toBe(2);
  }, 130_000);
});

describe("a page", () => {
  test("ends at its limit and goes on behind it", async () => {
    const first = await table.query("PK = :p", { ExpressionAttributeValues: P, Limit: 4 });
    expect(first.LastEvaluatedKey).toEqual({ PK: S("fleet"), SK: S("host-3") });
    const second = await table.query("PK = :p", {
      ExpressionAttributeValues: P,
      Limit: 100,
      ExclusiveStartKey: first.LastEvaluatedKey,
    });
    expect(second.Items?.map((item) => item["SK"]?.S)).toEqual(["host-4", ...racks]);
    expect(second.LastEvaluatedKey).toBeUndefined();
  });

  test("goes on backwards", async () => {
    expect(
      await names(
        "PK = :p",
        {},
        {
          ScanIndexForward: false,
          ExclusiveStartKey: { PK: S("fleet"), SK: S("host-2") },
        },
      ),
    ).toEqual(["host-1", "host-0"]);
  });

  test("goes on within a range condition, from an item that need not exist", async () => {
    expect(
      await names(
        "PK = :p AND SK BETWEEN :a AND :b",
        { ":a": S("host-1"), ":b": S("host-4") },
        {
          ExclusiveStartKey: { PK: S("fleet"), SK: S("host-2x") },
        },
      ),
    ).toEqual(["host-3", "host-4"]);
  });

  test("that is exactly full says that there may be more", async () => {
    const page = await table.query("PK = :p", { ExpressionAttributeValues: P, Limit: 10 });
    expect(page.LastEvaluatedKey).toEqual({ PK: S("fleet"), SK: S("rack-9") });
    const next = await table.query("PK = :p", {
      ExpressionAttributeValues: P,
      ExclusiveStartKey: page.LastEvaluatedKey,
    });
    expect(next).toMatchObject({ Items: [], Count: 0 });
    expect(next.LastEvaluatedKey).toBeUndefined();
  });

  test("ends after about 1 MB", async () => {
    for (let i = 0; i < 5; i += 1)
      await table.put({ PK: S("large"), SK: S(String(i)), x: S("x".repeat(300 * 1024)) });
    const page = await table.query("PK = :p", { ExpressionAttributeValues: { ":p": S("large") } });
    expect(page.Count).toBeLessThan(5);
    expect(page.Count).toBeGreaterThan(2);
    expect(page.LastEvaluatedKey).toBeDefined();
  });

  const wrong: readonly (readonly [string, string, Item, Item])[] = [
    ["of another hash key", "PK = :p", {}, { PK: S("other"), SK: S("host-0") }],
    ["without its range key", "PK = :p", {}, { PK: S("fleet") }],
    ["of another type", "PK = :p", {}, { PK: S("fleet"), SK: { N: "1" } }],
    [
      "outside the range",
      "PK = :p AND SK > :s",
      { ":s": S("rack-5") },
      { PK: S("fleet"), SK: S("host-0") },
    ],
  ];
  test.each(wrong)(
    "does not begin at a key %s",
    async (_, condition, values, ExclusiveStartKey) => {
      const error = await refusal(names(condition, values, { ExclusiveStartKey }));
      expect(error.name).toBe("ValidationException");
    },
  );
});

describe("a filter", () => {
  test("drops items after they were read", async () => {
    const page = await table.query("PK = :p", {
      ExpressionAttributeValues: { ...P, ":n": { N: "2" } },
      FilterExpression: "n > :n",
      Limit: 5,
    });
    expect(page).toMatchObject({ Count: 2, ScannedCount: 5 });
    expect(page.LastEvaluatedKey).toEqual({ PK: S("fleet"), SK: S("host-4") });
  });

  test.each(["PK = :p", "SK > :p"])("cannot look at the key: %s", async (FilterExpression) => {
    const error = await refusal(names("PK = :p", {}, { FilterExpression }));
    expect(error.message).toContain(
      "Filter Expression can only contain non-primary key attributes",
    );
  });
});

describe("what is returned", () => {
  test("is counted only, on request", async () => {
    const page = await table.query("PK = :p", { ExpressionAttributeValues: P, Select: "COUNT" });
    expect(page).toMatchObject({ Count: 10, ScannedCount: 10 });
    expect(page.Items).toBeUndefined();
  });

  test("is what the projection names", async () => {
    const { Items } = await table.query("PK = :p AND SK = :s", {
      ExpressionAttributeValues: { ...P, ":s": S("host-1") },
      ProjectionExpression: "n",
    });
    expect(Items).toEqual([{ n: { N: "1" } }]);
  });

  test.each([
    [{ Select: "SPECIFIC_ATTRIBUTES" as const }],
    [{ Select: "COUNT" as const, ProjectionExpression: "n" }],
    [{ Select: "ALL_ATTRIBUTES" as const, ProjectionExpression: "n" }],
    [{ Select: "ALL_PROJECTED_ATTRIBUTES" as const }],
    [{ Select: "DEFAULT" as "COUNT" }],
    [{ Limit: 0 }],
    [{ IndexName: "no-such-index" }],
  ])("cannot be %j", async (more) => {
    expect((await refusal(names("PK = :p", {}, more))).name).toBe("ValidationException");
  });
});

describe("a key condition is refused", () => {
  const cases: readonly (readonly [string, Item, string])[] = [
    ["", {}, "can not be empty"],
    ["SK = :p", {}, "Query condition missed key schema element"],
    ["PK = :p AND n = :p", {}, "Query condition missed key schema element"],
    ["PK > :p", {}, "Query key condition not supported"],
    ["PK = :p OR SK = :p", {}, "Invalid operator used in KeyConditionExpression: OR"],
    ["NOT PK = :p", {}, "Invalid operator used in KeyConditionExpression: NOT"],
    ["PK = :p AND SK <> :p", {}, "Invalid operator used in KeyConditionExpression: <>"],
    ["PK = :p AND SK IN (:p)", {}, "Invalid operator used in KeyConditionExpression: IN"],
    [
      "PK = :p AND contains(SK, :p)",
      {},
      "Invalid operator used in KeyConditionExpression: contains",
    ],
    ["PK = :p AND PK = :p", {}, "KeyConditionExpressions must only contain one condition per key"],
    ["PK = :p AND SK BETWEEN :b AND :a", { ":a": S("a"), ":b": S("b") }, "upper bound"],
    ["PK = :p AND begins_with(SK, :n)", { ":n": { N: "1" } }, "operand type: N"],
    [
      "PK = :p AND SK = :n",
      { ":n": { N: "1" } },
      "Condition parameter type does not match schema type",
    ],
    ["PK = :n", { ":n": { N: "1" }, ":p": S("x") }, ""],
    ["PK = :p AND SK = :e", { ":e": S("") }, "cannot contain an empty string value"],
    [
      "PK = :p AND SK > :l",
      { ":l": S("x".repeat(1025)) },
      "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
    ],
    ["PK.x = :p", {}, "Key attributes must be scalars"],
    ["PK = :p AND SK = :s", { ":s": S("a"), ":t": S("b") }, "unused in expressions: keys: {:t}"],
  ];
  test.each(cases)("%s %j", async (condition, values, message) => {
    const error = await refusal(names(condition, values));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain(message);
  });
});

describe("a scan", () => {
  test("reads everything once, page by page", async () => {
    const seen: string[] = [];
    for await (const page of paginateScan(
      { client: endpoint.client, pageSize: 3 },
      { TableName: tableName, FilterExpression: "attribute_exists(n)" },
    )) {
      expect(page.ScannedCount).toBeLessThanOrEqual(3);
      seen.push(...(page.Items ?? []).map((item) => item["SK"]?.S ?? ""));
    }
    expect(seen.sort()).toEqual([...hosts, ...racks]);
  });

  test("may filter by the key", async () => {
    let count = 0;
    for await (const page of paginateScan(
      { client: endpoint.client },
      {
        TableName: tableName,
        FilterExpression: "PK = :p",
        ExpressionAttributeValues: { ":p": S("other") },
      },
    ))
      count += page.Count ?? 0;
    expect(count).toBe(1);
  });
});
