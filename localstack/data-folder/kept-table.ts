import type { DatabaseSync } from "node:sqlite";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import type { SessionState } from "../../lib/domain/session.ts";
import { freezeRow } from "../../lib/store/freeze.ts";
import { keys, scopes } from "../../lib/store/table.ts";
import { type Database, openDatabase } from "../aws/dynamodb/database.ts";
import { noMisbehaviour } from "../aws/misbehaviour.ts";
import { virtualClock } from "../clock.ts";
import { DataFolderError } from "./error.ts";

const namesSchema = z.array(z.object({ name: z.string() }));
const text = z.object({ S: z.string() });
/** The row of lib/store/freeze.ts as DynamoDB spells it. */
const freezeSchema = z.object({
  Item: z.object({ frozen: z.object({ BOOL: z.boolean() }), by: text, reason: text }).optional(),
});
const pageSchema = z.object({
  Count: z.number(),
  LastEvaluatedKey: z.record(z.string(), z.unknown()).optional(),
});

const OVER: readonly SessionState[] = ["MAINTENANCE_DONE", "MAINTENANCE_FAILED"];

/** Lull's table in a file that no Lull has open, at an instant in ms since the epoch. */
export type KeptTable = {
  /** How many sessions are not over. */
  readonly countOpenSessions: () => number;
  /**
   * Freezes the cloud as an admin would, so that whoever starts on this file begins nothing. A freeze
   * that is in force goes on in the new one's reason.
   */
  readonly freeze: (by: string, reason: string) => void;
};

/** @throws DataFolderError when the file does not hold one table */
export const openKeptTable = (sqlite: DatabaseSync, path: string, now: number): KeptTable => {
  const names = namesSchema.parse(sqlite.prepare("SELECT name FROM dynamodb_tables").all());
  const [only] = names;
  if (!only || names.length > 1)
    throw new DataFolderError(`${path} holds ${names.length} tables instead of Lull's one`);
  const clock = virtualClock(now);
  const database = openDatabase({ sqlite, clock, misbehaviour: noMisbehaviour });
  return {
    countOpenSessions: () => countOpenSessions(database, only.name),
    freeze: (by, reason) => freeze(database, only.name, { by, reason, at: now }),
  };
};

const countOpenSessions = (database: Database, TableName: string): number => {
  let count = 0;
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = pageSchema.parse(
      database.handle("Query", {
        TableName,
        IndexName: "by_scope",
        Select: "COUNT",
        KeyConditionExpression: "GSI1PK = :list",
        FilterExpression: "NOT #state IN (:done, :failed)",
        ExpressionAttributeNames: { "#state": "state" },
        ExpressionAttributeValues: marshall({
          ":list": scopes.sessions("", "").GSI1PK,
          ":done": OVER[0],
          ":failed": OVER[1],
        }),
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      }),
    );
    count += page.Count;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return count;
};

const freeze = (
  database: Database,
  TableName: string,
  { by, reason, at }: { readonly by: string; readonly reason: string; readonly at: number },
): void => {
  const { Item: before } = freezeSchema.parse(
    database.handle("GetItem", { TableName, Key: marshall(keys.freeze()), ConsistentRead: true }),
  );
  const wasFrozen = before?.frozen.BOOL
    ? `; before that frozen by ${before.by.S}: ${before.reason.S}`
    : "";
  const row = freezeRow({
    frozen: true,
    by,
    at: new Date(at).toISOString(),
    reason: `${reason}${wasFrozen}`,
  });
  database.handle("PutItem", { TableName, Item: marshall(row) });
};
