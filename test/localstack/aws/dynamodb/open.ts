import { DatabaseSync } from "node:sqlite";
import type { Item } from "../../../../localstack/aws/dynamodb/attribute-values.ts";
import { type Database, openDatabase } from "../../../../localstack/aws/dynamodb/database.ts";
import { type Misbehaviour, noMisbehaviour } from "../../../../localstack/aws/misbehaviour.ts";
import { type VirtualClock, virtualClock } from "../../../../localstack/clock.ts";

export const START = Date.UTC(2026, 10, 22, 12);

const text = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });
const hash = (AttributeName: string) => ({ AttributeName, KeyType: "HASH" });
const range = (AttributeName: string) => ({ AttributeName, KeyType: "RANGE" });

/** A table with a stream, expiry by `expires_at` and the index `teams` (team, SK). */
export const DEFINITION = {
  TableName: "things",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [text("PK"), text("SK"), text("team")],
  KeySchema: [hash("PK"), range("SK")],
  GlobalSecondaryIndexes: [
    {
      IndexName: "teams",
      KeySchema: [hash("team"), range("SK")],
      Projection: { ProjectionType: "ALL" },
    },
  ],
  StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
  TimeToLiveSpecification: { AttributeName: "expires_at", Enabled: true },
};

export type Opened = {
  readonly database: Database;
  readonly clock: VirtualClock;
  readonly sqlite: DatabaseSync;
  /** Lets the given time pass. */
  readonly pass: (ms: number) => Promise<void>;
  readonly put: (item: Item) => unknown;
  readonly get: (key: Item) => Item | undefined;
  /** The `SK`s that the index has for a team. */
  readonly team: (name: string) => readonly string[];
};

/** Opens a database with the table above in the given file, by default in memory. */
export const open = (
  options: { misbehaviour?: Partial<Misbehaviour>; file?: string; clock?: VirtualClock } = {},
): Opened => {
  const clock = options.clock ?? virtualClock(START);
  const sqlite = new DatabaseSync(options.file ?? ":memory:");
  const database = openDatabase({
    sqlite,
    clock,
    misbehaviour: { ...noMisbehaviour, ...options.misbehaviour },
  });
  database.createTable(DEFINITION);
  return {
    database,
    clock,
    sqlite,
    pass: async (ms) => {
      await clock.runUntil(() => false, clock.now() + ms);
    },
    put: (Item) => database.handle("PutItem", { TableName: "things", Item }),
    get: (Key) =>
      (database.handle("GetItem", { TableName: "things", Key }) as { Item?: Item }).Item,
    team: (name) => {
      const page = database.handle("Query", {
        TableName: "things",
        IndexName: "teams",
        KeyConditionExpression: "team = :t",
        ExpressionAttributeValues: { ":t": { S: name } },
      });
      return (page as { Items: { SK: { S: string } }[] }).Items.map(({ SK }) => SK.S);
    },
  };
};

export const keyed = (sk: string, more: Item = {}) => ({ PK: { S: "p" }, SK: { S: sk }, ...more });
