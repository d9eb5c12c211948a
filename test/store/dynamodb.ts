import { DatabaseSync } from "node:sqlite";
import { transact } from "../../lib/store/conditions.ts";
import { putRun } from "../../lib/store/runs.ts";
import { openTable, type Table } from "../../lib/store/table.ts";
import { type Database, openDatabase } from "../../localstack/aws/dynamodb/database.ts";
import { listen } from "../../localstack/aws/http-server.ts";
import { type Misbehaviour, misbehaviour, type Rates } from "../../localstack/aws/misbehaviour.ts";
import { awsListener, type Service } from "../../localstack/aws/server.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { serverless } from "../serverless.ts";

export const NOW = "2026-11-22T10:00:00.000Z";

/** The access key that the SDK finds in its environment. */
const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "test" };

export type DynamoDb = {
  readonly database: Database;
  /** From now on. */
  readonly misbehave: (rates: Partial<Rates>) => void;
  /** A new, empty table of the deployed definition. */
  readonly newTable: () => Table;
  readonly close: () => void;
};

/**
 * The embedded DynamoDB behind real HTTP, in memory, for the unchanged SDK of this process. Its
 * tables are defined by serverless.yml, so that they are those that are deployed.
 *
 * @param others more services of the same endpoint, by the prefix of their X-Amz-Target
 */
export const startDynamoDb = async (
  rates: Partial<Rates> = {},
  others: Readonly<Record<string, Service>> = {},
): Promise<DynamoDb> => {
  const clock = scaledClock();
  let mood = misbehaviour({ seed: 1, ...rates });
  const moods: Misbehaviour = {
    indexLagMs: () => mood.indexLagMs(),
    conflicts: () => mood.conflicts(),
    throttles: () => mood.throttles(),
    duplicates: () => mood.duplicates(),
    delayMs: () => mood.delayMs(),
  };
  const sqlite = new DatabaseSync(":memory:");
  const database = openDatabase({ sqlite, clock, misbehaviour: moods });
  const services = { ...others, DynamoDB_20120810: database.handle };
  const server = await listen(
    awsListener({ services, credentials, clock, misbehaviour: moods, log: console.error }),
    { host: "127.0.0.1", port: 0 },
  );
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: server.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  return {
    database,
    misbehave: (worse) => {
      mood = misbehaviour({ seed: 1, ...worse });
    },
    newTable: () => {
      const TableName = `lull-${crypto.randomUUID()}`;
      const { Properties } = serverless.resource("Table", "AWS::DynamoDB::Table");
      database.createTable({ ...Properties, TableName });
      return openTable(TableName);
    },
    close: () => {
      server.close();
      void server.drain().then(() => sqlite.close());
    },
  };
};

/** A run of a session or a host, in its first generation. */
export const startRun = async (table: Table, host: string | null = null) => {
  const run_id = crypto.randomUUID();
  const machine = host === null ? "session" : "host";
  await transact(table, putRun(table, { run_id, machine, session_id: run_id, host }, NOW));
  return { run_id, generation: 1 };
};
