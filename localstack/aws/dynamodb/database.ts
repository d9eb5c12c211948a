import type { DatabaseSync } from "node:sqlite";
import type { DynamoDBRecord } from "aws-lambda";
import type { Clock } from "../../clock.ts";
import { AwsError } from "../errors.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import { openCatalog } from "./catalog.ts";
import type { Engine } from "./engine.ts";
import { ensureTable } from "./ensure-table.ts";
import { settleIndexes } from "./indexes.ts";
import { batchGetItemOperation } from "./operations/batch-get-item.ts";
import { batchWriteItemOperation } from "./operations/batch-write-item.ts";
import { getItemOperation } from "./operations/get-item.ts";
import { queryOperation } from "./operations/query.ts";
import { scanOperation } from "./operations/scan.ts";
import {
  createTableOperation,
  deleteTableOperation,
  describeTableOperation,
} from "./operations/tables.ts";
import {
  describeTimeToLiveOperation,
  updateTimeToLiveOperation,
} from "./operations/time-to-live.ts";
import { transactWriteItemsOperation } from "./operations/transact-write-items.ts";
import {
  deleteItemOperation,
  putItemOperation,
  updateItemOperation,
} from "./operations/write-item.ts";
import { createTokenRows, forgetTokens } from "./request-tokens.ts";
import { openStorage } from "./storage.ts";
import { readRecords, trimRecords } from "./stream-records.ts";
import { throttlingError } from "./throttling.ts";
import { removeExpired } from "./time-to-live.ts";

/** DynamoDB in one SQLite file. Everything is synchronous; one process at a time has the file. */
export type Database = {
  /**
   * Creates the table, or brings the one that exists to this definition: indexes that differ are
   * built anew. `definition` has the properties of `AWS::DynamoDB::Table`.
   *
   * @throws AwsError ValidationException for a property that is unknown or unsupported, or a
   *   primary key other than the existing one
   */
  readonly createTable: (definition: unknown) => void;
  /**
   * One call of the JSON protocol DynamoDB_20120810, for example `handle("PutItem", {...})`.
   *
   * @throws AwsError as the service answers it
   */
  readonly handle: (operation: string, input: unknown) => unknown;
  /** Stream records after `afterSequence` ("0" = from the oldest kept), oldest first. */
  readonly readStream: (
    tableName: string,
    afterSequence: string,
    limit: number,
  ) => DynamoDBRecord[];
  /** The listener is called after each commit that wrote stream records; the answer removes it. */
  readonly onStream: (listener: (tableName: string) => void) => () => void;
  /** Deletes expired items, stream records older than 24 hours, and request tokens of 10 minutes. */
  readonly sweep: () => void;
};

type Operation = (engine: Engine, input: unknown) => unknown;

/** Operations that one throttled key refuses as a whole; the batches have their own way. */
const THROTTLED: Readonly<Record<string, Operation>> = {
  GetItem: getItemOperation,
  PutItem: putItemOperation,
  UpdateItem: updateItemOperation,
  DeleteItem: deleteItemOperation,
  Query: queryOperation,
  Scan: scanOperation,
  TransactWriteItems: transactWriteItemsOperation,
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  BatchGetItem: batchGetItemOperation,
  BatchWriteItem: batchWriteItemOperation,
  CreateTable: createTableOperation,
  DescribeTable: describeTableOperation,
  DeleteTable: deleteTableOperation,
  UpdateTimeToLive: updateTimeToLiveOperation,
  DescribeTimeToLive: describeTimeToLiveOperation,
};

const operationOf = (name: string, { misbehaviour }: Engine): Operation => {
  const throttled = Object.hasOwn(THROTTLED, name) ? THROTTLED[name] : undefined;
  if (throttled && misbehaviour.throttles()) throw throttlingError();
  const operation = throttled ?? (Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined);
  if (!operation)
    throw new AwsError("UnknownOperationException", `Unknown or unsupported operation: ${name}`);
  return operation;
};

export const openDatabase = (options: {
  sqlite: DatabaseSync;
  clock: Clock;
  misbehaviour: Misbehaviour;
}): Database => {
  const { clock, misbehaviour } = options;
  const storage = openStorage(options.sqlite);
  const catalog = openCatalog(storage, clock);
  createTokenRows(storage);
  const listeners = new Set<(tableName: string) => void>();
  const streams = new Set<string>();

  const write = <T>(act: () => T): T => {
    streams.clear();
    const result = transact(act);
    for (const name of [...streams]) for (const listener of listeners) listener(name);
    return result;
  };
  const transact = <T>(act: () => T): T => {
    try {
      return storage.transaction(act);
    } catch (error) {
      // The list in memory must not keep what the file has rolled back.
      if (!(error instanceof AwsError)) catalog.reload();
      throw error;
    }
  };
  const engine: Engine = {
    storage,
    clock,
    misbehaviour,
    catalog,
    write,
    streamed: (name) => void streams.add(name),
  };

  return {
    createTable: (definition) => ensureTable(engine, definition),
    handle: (name, input) => operationOf(name, engine)(engine, input),
    readStream: (name, afterSequence, limit) =>
      readRecords(engine, catalog.get(name), afterSequence, limit),
    onStream: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    sweep: () =>
      write(() => {
        forgetTokens(engine);
        for (const table of catalog.all()) {
          removeExpired(engine, table);
          settleIndexes(engine, table);
          trimRecords(engine, table);
        }
      }),
  };
};
