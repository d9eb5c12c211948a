import { type QueryCommandInput, ScanCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createIndexedTable, type Item, newKey, tableCalls } from "./dynamodb-fixture.ts";
import { type Endpoint, eventually, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;
let table: ReturnType<typeof tableCalls>;
let tableName: string;

beforeAll(async () => {
  endpoint = await openEndpoint();
  tableName = await createIndexedTable(endpoint);
  table = tableCalls(endpoint.client, tableName);
}, 150_000);
afterAll(() => endpoint.close());

const S = (s: string) => ({ S: s });
const N = (n: number) => ({ N: String(n) });

let teams = 0;
const newTeam = () => {
  teams += 1;
  return `team-${teams}`;
};

const member = (team: string, rank: number, more: Item = {}) => ({
  ...newKey(),
  team: S(team),
  rank_no: N(rank),
  note: S("n"),
  secret: S("s"),
  ...more,
});

const members = (team: string, more: Partial<QueryCommandInput> = {}) =>
  table.query("team = :t", {
    IndexName: "everything",
    ExpressionAttributeValues: { ":t": S(team) },
    ...more,
  });

describe("an index", () => {
  test("answers in the order of its range key", async () => {
    const team = newTeam();
    for (const rank of [10, 9, -1, 2]) await table.put(member(team, rank));
    const { Items } = await eventually(
      () => members(team),
      ({ Count }) => Count === 4,
    );
    expect(Items?.map((item) => item["rank_no"]?.N)).toEqual(["-1", "2", "9", "10"]);
  });

  test("holds an item only while it has the index's key", async () => {
    const team = newTeam();
    const { rank_no: _, ...item } = member(team, 1);
    const key = { PK: item.PK, SK: item.SK };
    await table.put(item);
    await table.put(member(team, 2));
    await eventually(
      () => members(team),
      ({ Count }) => Count === 1,
    );
    await table.update(key, "SET rank_no = :r", { ExpressionAttributeValues: { ":r": N(5) } });
    expect(
      (
        await eventually(
          () => members(team),
          ({ Count }) => Count === 2,
        )
      ).Count,
    ).toBe(2);
    await table.update(key, "REMOVE team");
    expect(
      (
        await eventually(
          () => members(team),
          ({ Count }) => Count === 1,
        )
      ).Count,
    ).toBe(1);
  });

  test("moves an item whose index key changes and forgets one that is deleted", async () => {
    const [team, other] = [newTeam(), newTeam()];
    const item = member(team, 1);
    const key = { PK: item.PK, SK: item.SK };
    await table.put(item);
    await table.put({ ...item, team: S(other) });
    expect(
      (
        await eventually(
          () => members(other),
          ({ Count }) => Count === 1,
        )
      ).Count,
    ).toBe(1);
    expect(
      (
        await eventually(
          () => members(team),
          ({ Count }) => Count === 0,
        )
      ).Count,
    ).toBe(0);
    await table.remove(key);
    expect(
      (
        await eventually(
          () => members(other),
          ({ Count }) => Count === 0,
        )
      ).Count,
    ).toBe(0);
  });

  test.each([true, false])(
    "pages through items with equal index keys, each once (forward: %s)",
    async (forward) => {
      const team = newTeam();
      for (let i = 0; i < 7; i += 1) await table.put(member(team, 1));
      await eventually(
        () => members(team),
        ({ Count }) => Count === 7,
      );
      const seen: string[] = [];
      let from: Item | undefined;
      do {
        const start = from && { ExclusiveStartKey: from };
        const page = await members(team, { Limit: 2, ScanIndexForward: forward, ...start });
        seen.push(...(page.Items ?? []).map((item) => item["PK"]?.S ?? ""));
        from = page.LastEvaluatedKey;
        expect(Object.keys(from ?? {}).sort()).toEqual(from ? ["PK", "SK", "rank_no", "team"] : []);
      } while (from);
      expect(seen).toHaveLength(7);
      expect(new Set(seen).size).toBe(7);
    },
  );

  test("pages within one range key", async () => {
    const team = newTeam();
    for (let i = 0; i < 3; i += 1) await table.put(member(team, 1));
    await table.put(member(team, 2));
    await eventually(
      () => members(team),
      ({ Count }) => Count === 4,
    );
    const query = (more: Partial<QueryCommandInput>) =>
      table.query("team = :t AND rank_no = :r", {
        IndexName: "everything",
        ExpressionAttributeValues: { ":t": S(team), ":r": N(1) },
        ...more,
      });
    const first = await query({ Limit: 2 });
    const second = await query({ ExclusiveStartKey: first.LastEvaluatedKey });
    expect([first.Count, second.Count]).toEqual([2, 1]);
  });

  test("projects all, the keys, or the named attributes", async () => {
    const team = newTeam();
    const item = member(team, 1);
    await table.put(item);
    const found = async (IndexName: string) =>
      (
        await eventually(
          () => members(team, { IndexName }),
          ({ Count }) => Count === 1,
        )
      ).Items?.[0];
    const { secret: _, ...noted } = item;
    const { note: __, rank_no: ___, ...keys } = noted;
    expect(await found("everything")).toEqual(item);
    expect(await found("notes")).toEqual(noted);
    expect(await found("keys")).toEqual(keys);
  });

  test("can be scanned", async () => {
    await table.put(member(newTeam(), 1));
    const scan = () =>
      endpoint.client.send(new ScanCommand({ TableName: tableName, IndexName: "keys", Limit: 1 }));
    const page = await eventually(scan, ({ Count }) => Count === 1);
    expect(Object.keys(page.LastEvaluatedKey ?? {}).sort()).toEqual(["PK", "SK", "team"]);
  });

  test("may be filtered by the table's key", async () => {
    const team = newTeam();
    const item = member(team, 1);
    await table.put(item);
    await table.put(member(team, 1));
    await eventually(
      () => members(team),
      ({ Count }) => Count === 2,
    );
    const page = await members(team, {
      FilterExpression: "PK = :p",
      ExpressionAttributeValues: { ":t": S(team), ":p": item.PK },
    });
    expect(page).toMatchObject({ Count: 1, ScannedCount: 2 });
  });
});

describe("an index query is refused", () => {
  const cases: readonly (readonly [string, Partial<QueryCommandInput>])[] = [
    ["when it shall be consistent", { ConsistentRead: true }],
    [
      "for all attributes where only some are projected",
      { IndexName: "keys", Select: "ALL_ATTRIBUTES" },
    ],
    [
      "for an attribute that is not projected",
      { IndexName: "notes", ProjectionExpression: "secret" },
    ],
    ["from a key without the table's part", { ExclusiveStartKey: { team: S("t"), rank_no: N(1) } }],
    [
      "with a filter on an attribute that is not projected",
      { IndexName: "notes", FilterExpression: "secret = :t" },
    ],
    ["with a filter on the index's key", { FilterExpression: "rank_no = :t" }],
  ];
  test.each(cases)("%s", async (_, more) => {
    expect((await refusal(members("t", more))).name).toBe("ValidationException");
  });
});

describe("an item is refused whose index key", () => {
  const cases: readonly (readonly [string, Item])[] = [
    ["is empty", { team: S("") }],
    ["has another type", { team: N(1) }],
    ["is too long", { team: S("x".repeat(2049)) }],
  ];
  test.each(cases)("%s", async (_, attributes) => {
    const error = await refusal(table.put({ ...newKey(), ...attributes }));
    expect(error.name).toBe("ValidationException");
  });

  test("becomes empty by an update", async () => {
    const item = member(newTeam(), 1);
    await table.put(item);
    const error = await refusal(
      table.update({ PK: item.PK, SK: item.SK }, "SET team = :e", {
        ExpressionAttributeValues: { ":e": S("") },
      }),
    );
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain("cannot contain an empty string value");
  });
});
