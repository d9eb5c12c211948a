import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { type Database, openDatabase } from "../../localstack/aws/dynamodb/database.ts";
import { AwsError } from "../../localstack/aws/errors.ts";
import { noMisbehaviour } from "../../localstack/aws/misbehaviour.ts";
import { scaledClock } from "../../localstack/clock.ts";

/** A DynamoDB to be judged: the embedded one, or whatever answers at CONFORMANCE_ENDPOINT. */
export type Endpoint = {
  readonly client: DynamoDBClient;
  /** Creates a table under a new name that starts with `prefix` and waits until it can be used. */
  readonly createTable: (
    prefix: string,
    definition: Omit<CreateTableCommandInput, "TableName" | "BillingMode">,
  ) => Promise<string>;
  /** Deletes the tables and ends what was started. */
  readonly close: () => Promise<void>;
};

const CREDENTIALS = { accessKeyId: "conformance", secretAccessKey: "conformance" };

export const openEndpoint = async (): Promise<Endpoint> => {
  const given = process.env["CONFORMANCE_ENDPOINT"];
  const { url, stop } = given ? { url: given, stop: () => undefined } : await startEmbedded();
  const client = new DynamoDBClient({
    endpoint: url,
    region: "us-east-1",
    maxAttempts: 1,
    ...(process.env["AWS_ACCESS_KEY_ID"] === undefined && { credentials: CREDENTIALS }),
  });
  const tables: string[] = [];
  return {
    client,
    createTable: async (prefix, definition) => {
      const TableName = `${prefix}-${crypto.randomUUID()}`;
      await client.send(
        new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", ...definition }),
      );
      tables.push(TableName);
      await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1 }, { TableName });
      return TableName;
    },
    close: async () => {
      for (const TableName of tables) await client.send(new DeleteTableCommand({ TableName }));
      client.destroy();
      stop();
    },
  };
};

const startEmbedded = async () => {
  const folder = mkdtempSync(join(tmpdir(), "dynamodb-"));
  const sqlite = new DatabaseSync(join(folder, "database.sqlite"));
  sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  const database = openDatabase({
    sqlite,
    clock: scaledClock(),
    misbehaviour: noMisbehaviour,
  });
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    const { status, answer } = answerOf(
      database,
      String(request.headers["x-amz-target"]),
      body.toString(),
    );
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
      sqlite.close();
      rmSync(folder, { recursive: true });
    },
  };
};

const answerOf = (database: Database, target: string, body: string) => {
  try {
    const operation = target.replace("DynamoDB_20120810.", "");
    return { status: 200, answer: database.handle(operation, JSON.parse(body)) };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const { name, status, message, extra } = error;
    return { status, answer: { __type: `com.amazonaws.dynamodb#${name}`, message, ...extra } };
  }
};

/** The error that a call must end with. */
export const refusal = async (call: Promise<unknown>): Promise<Error> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("the call was not refused");
};

/** Reads again until an index has caught up, which it does in its own time. */
export const eventually = async <T>(
  read: () => Promise<T>,
  arrived: (answer: T) => boolean,
): Promise<T> => {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const answer = await read();
    if (arrived(answer) || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
