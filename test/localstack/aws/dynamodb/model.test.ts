import fc from "fast-check";
import { expect, test } from "vitest";
import type { Item } from "../../../../localstack/aws/dynamodb/attribute-values.ts";
import type { Database } from "../../../../localstack/aws/dynamodb/database.ts";
import { open } from "./open.ts";

/** What the table must hold: items by hash key and range key. */
type Model = Map<string, Item>;

const hashes = fc.constantFrom("p", "q");
const ranges = fc
  .constantFrom("", "\0", "a", "a\0", "a\0b", "aa", "ab", "b", "é", "ｚ", "😀")
  .map((sk) => `k${sk}`);
const teams = fc.option(fc.constantFrom("red", "blue"), { nil: undefined });
const key = fc.record({ pk: hashes, sk: ranges });
const limits = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });

const actions = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, team: teams, n: fc.integer() }),
  fc.record({ kind: fc.constant("update" as const), key, team: teams, n: fc.integer() }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({
    kind: fc.constant("query" as const),
    pk: hashes,
    operator: fc.constantFrom("=", "<", "<=", ">", ">=", "begins_with"),
    sk: ranges,
    forward: fc.boolean(),
    limit: limits,
  }),
  fc.record({
    kind: fc.constant("index" as const),
    team: fc.constantFrom("red", "blue"),
    forward: fc.boolean(),
    limit: limits,
  }),
);
type Action = typeof actions extends fc.Arbitrary<infer A> ? A : never;

const keyItem = ({ pk, sk }: { pk: string; sk: string }) => ({ PK: { S: pk }, SK: { S: sk } });
const modelKey = ({ pk, sk }: { pk: string; sk: string }) => `${pk}/${sk}`;
const textOf = (item: Item, name: string): string => {
  const value = item[name];
  return value && "S" in value ? value.S : "";
};

const byBytes = (one: string, two: string) => Buffer.compare(Buffer.from(one), Buffer.from(two));

/** Reads every page of a query. */
const readAll = (database: Database, request: object): Item[] => {
  const items: Item[] = [];
  let start: Item | undefined;
  do {
    const page = database.handle("Query", {
      TableName: "things",
      ...request,
      ...(start && { ExclusiveStartKey: start }),
    }) as { Items: Item[]; LastEvaluatedKey?: Item };
    items.push(...page.Items);
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
};

const COMPARE: Record<string, (sk: string, bound: string) => boolean> = {
  "=": (sk, bound) => sk === bound,
  "<": (sk, bound) => byBytes(sk, bound) < 0,
  "<=": (sk, bound) => byBytes(sk, bound) <= 0,
  ">": (sk, bound) => byBytes(sk, bound) > 0,
  ">=": (sk, bound) => byBytes(sk, bound) >= 0,
  begins_with: (sk, bound) => sk.startsWith(bound),
};

const sorted = (items: Item[], forward: boolean) => {
  items.sort(
    (one, two) =>
      byBytes(textOf(one, "SK"), textOf(two, "SK")) ||
      byBytes(textOf(one, "PK"), textOf(two, "PK")),
  );
  return forward ? items : items.reverse();
};

const write = (database: Database, model: Model, action: Action): void => {
  if (action.kind === "put") {
    const team = action.team === undefined ? {} : { team: { S: action.team } };
    const item = { ...keyItem(action.key), ...team, n: { N: String(action.n) } };
    database.handle("PutItem", { TableName: "things", Item: item });
    model.set(modelKey(action.key), item);
  } else if (action.kind === "delete") {
    database.handle("DeleteItem", { TableName: "things", Key: keyItem(action.key) });
    model.delete(modelKey(action.key));
  } else if (action.kind === "update") update(database, model, action);
};

const update = (
  database: Database,
  model: Model,
  { key: at, team, n }: Extract<Action, { kind: "update" }>,
): void => {
  database.handle("UpdateItem", {
    TableName: "things",
    Key: keyItem(at),
    UpdateExpression: team === undefined ? "ADD n :n REMOVE team" : "ADD n :n SET team = :t",
    ExpressionAttributeValues: {
      ":n": { N: String(n) },
      ...(team !== undefined && { ":t": { S: team } }),
    },
  });
  const { team: _, ...old }: Item = model.get(modelKey(at)) ?? keyItem(at);
  const count = old["n"];
  const before = count && "N" in count ? BigInt(count.N) : 0n;
  model.set(modelKey(at), {
    ...old,
    n: { N: String(before + BigInt(n)) },
    ...(team !== undefined && { team: { S: team } }),
  });
};

const check = (database: Database, model: Model, action: Action): void => {
  if (action.kind === "query") {
    const { pk, sk, operator, forward, limit } = action;
    const found = readAll(database, {
      KeyConditionExpression: `PK = :p AND ${operator === "begins_with" ? "begins_with(SK, :s)" : `SK ${operator} :s`}`,
      ExpressionAttributeValues: { ":p": { S: pk }, ":s": { S: sk } },
      ScanIndexForward: forward,
      ...(limit && { Limit: limit }),
    });
    const wanted = [...model.values()].filter(
      (item) => textOf(item, "PK") === pk && COMPARE[operator]?.(textOf(item, "SK"), sk),
    );
    expect(found).toEqual(sorted(wanted, forward));
  } else if (action.kind === "index") {
    const { team, forward, limit } = action;
    const found = readAll(database, {
      IndexName: "teams",
      KeyConditionExpression: "team = :t",
      ExpressionAttributeValues: { ":t": { S: team } },
      ScanIndexForward: forward,
      ...(limit && { Limit: limit }),
    });
    const wanted = [...model.values()].filter((item) => textOf(item, "team") === team);
    expect(found).toEqual(sorted(wanted, forward));
  }
};

test("a table is a sorted map with a sorted index, whatever is done to it", () => {
  fc.assert(
    fc.property(fc.array(actions, { maxLength: 40 }), (sequence) => {
      const { database, sqlite, get } = open();
      const model: Model = new Map();
      for (const action of sequence) {
        write(database, model, action);
        check(database, model, action);
      }
      for (const item of model.values())
        expect(get(keyItem({ pk: textOf(item, "PK"), sk: textOf(item, "SK") }))).toEqual(item);
      sqlite.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);

test("the stream, replayed, is the table", () => {
  fc.assert(
    fc.property(fc.array(actions, { maxLength: 40 }), (sequence) => {
      const { database, sqlite } = open();
      const model: Model = new Map();
      for (const action of sequence) write(database, model, action);
      const replayed: Model = new Map();
      for (const { dynamodb } of database.readStream("things", "0", 1000)) {
        const at = modelKey({
          pk: dynamodb?.Keys?.["PK"]?.S ?? "",
          sk: dynamodb?.Keys?.["SK"]?.S ?? "",
        });
        expect(dynamodb?.OldImage).toEqual(replayed.get(at));
        expect(dynamodb?.NewImage).not.toEqual(dynamodb?.OldImage);
        if (dynamodb?.NewImage) replayed.set(at, dynamodb.NewImage as Item);
        else replayed.delete(at);
      }
      expect(replayed).toEqual(model);
      sqlite.close();
    }),
    { numRuns: 100 },
  );
}, 60_000);
