import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { marshall } from "@aws-sdk/util-dynamodb";
import { freezeRow } from "../../../lib/store/freeze.ts";
import { keys, scopes } from "../../../lib/store/table.ts";
import type { Database } from "../../../localstack/aws/dynamodb/database.ts";
import { type Stack, startStack } from "../../../localstack/aws/stack.ts";
import { serverless } from "../../serverless.ts";
import { temporaryFolder } from "../aws/harness.ts";

const TableName = "lull-dev";
const { Type, Properties } = serverless.resource("Table", "AWS::DynamoDB::Table");

/** A stack with Lull's table and nothing else, on the data of this folder. */
export const openKept = (data: string): Promise<Stack> =>
  startStack({
    template: { Resources: { Table: { Type, Properties: { ...Properties, TableName } } } },
    handlers: async () => async () => undefined,
    data,
    durability: "NORMAL",
  });

/** Commits row `number` and the count of rows, both or neither. */
export const putNumbered = ({ handle }: Database, number: number): void => {
  const row = (key: object, more: object) => ({
    Put: { TableName, Item: marshall({ ...key, ...more, filler: "x".repeat(500) }) },
  });
  handle("TransactWriteItems", {
    TransactItems: [
      row(keys.hook(`row-${number}`), { number }),
      row(keys.hook("count"), { number }),
    ],
  });
};

export const putSession = ({ handle }: Database, id: string, state: string): void => {
  const at = "2026-11-22T10:00:00.000Z";
  const Item = { ...keys.session(id), ...scopes.sessions(at, id), kind: "session", state };
  handle("PutItem", { TableName, Item: marshall(Item) });
};

export const putFreeze = ({ handle }: Database, reason: string): void => {
  const at = "2026-11-22T10:00:00.000Z";
  const Item = marshall(freezeRow({ frozen: true, by: "ada", at, reason }));
  handle("PutItem", { TableName, Item });
};

type Stored = Record<string, { S?: string; N?: string; BOOL?: boolean }>;

/** What a stack finds that starts on this folder. */
export const readKept = async (data: string) => {
  const stack = await openKept(data);
  try {
    const { handle, readStream } = stack.database;
    const items: Stored[] = [];
    let ExclusiveStartKey: object | undefined;
    do {
      const page = handle("Scan", { TableName, ...(ExclusiveStartKey && { ExclusiveStartKey }) });
      const { Items, LastEvaluatedKey } = page as { Items: Stored[]; LastEvaluatedKey?: object };
      items.push(...Items);
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey);
    const rows = items.filter(({ PK }) => PK?.S?.startsWith("HOOK#row-"));
    const count = items.find(({ PK }) => PK?.S === keys.hook("count").PK);
    const freeze = items.find(({ PK }) => PK?.S === keys.freeze().PK);
    return {
      numbers: rows.map(({ number }) => Number(number?.N)).toSorted((a, b) => a - b),
      count: Number(count?.["number"]?.N ?? 0),
      freeze: freeze && {
        frozen: freeze["frozen"]?.BOOL,
        by: freeze["by"]?.S,
        at: freeze["at"]?.S,
        reason: freeze["reason"]?.S,
      },
      lastChange: readStream(TableName, "0", 1e6).at(-1)?.dynamodb?.NewImage,
    };
  } finally {
    await stack.close();
  }
};

/** A folder with the data folder of a stack that was closed after so many rows. */
export const keptFolder = async (
  rows = 0,
  more: (database: Database) => void = () => undefined,
) => {
  const place = temporaryFolder();
  const data = join(place.folder, "data");
  mkdirSync(data, { mode: 0o700 });
  const stack = await openKept(data);
  for (let number = 1; number <= rows; number++) putNumbered(stack.database, number);
  more(stack.database);
  await stack.close();
  return { ...place, data, at: (name: string) => join(place.folder, name) };
};

export const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
