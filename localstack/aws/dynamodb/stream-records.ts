import type { DynamoDBRecord } from "aws-lambda";
import type { Table } from "./catalog.ts";
import type { Engine } from "./engine.ts";
import { keyAttributes } from "./keys.ts";
import { numberColumn, optionalText, type Row } from "./storage.ts";
import type { StoredItem } from "./stored-items.ts";

/** Sequence numbers are text of this many digits; AWS promises 21 to 40. */
const FIRST_SEQUENCE = 100_000_000_000_000_000_000n;

/** DynamoDB Streams keeps records for 24 hours. */
const KEPT_MS = 24 * 60 * 60 * 1000;

const REGION = "us-east-1";
const ACCOUNT = "000000000000";

export const tableArn = (name: string): string =>
  `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;

/** A stream is named by the instant of its creation. */
export const streamLabel = ({ createdAt }: Table): string =>
  new Date(createdAt).toISOString().replace("Z", "");

export const streamArn = (table: Table): string =>
  `${tableArn(table.name)}/stream/${streamLabel(table)}`;

/** Writes a change to the table's stream, if it has one; part of the write's transaction. */
export const appendRecord = (
  { storage, clock, streamed }: Engine,
  table: Table,
  old: StoredItem | undefined,
  item: StoredItem | undefined,
  expired: boolean,
): void => {
  if (table.streamRows === undefined) return;
  storage.run(
    `INSERT INTO ${table.streamRows} (at, expired, size, old, new) VALUES (?, ?, ?, ?, ?)`,
    clock.now(),
    expired ? 1 : 0,
    (old?.size ?? 0) + (item?.size ?? 0),
    old?.text ?? null,
    item?.text ?? null,
  );
  streamed(table.name);
};

/**
 * Records after the given sequence number ("0" = from the oldest), oldest first.
 *
 * @throws TypeError when the table has no stream or the sequence is no whole number
 */
export const readRecords = (
  { storage }: Engine,
  table: Table,
  afterSequence: string,
  limit: number,
): DynamoDBRecord[] => {
  if (table.streamRows === undefined) throw new TypeError(`table ${table.name} has no stream`);
  if (!/^\d+$/.test(afterSequence))
    throw new TypeError(`no sequence number: ${JSON.stringify(afterSequence)}`);
  const after = BigInt(afterSequence) - FIRST_SEQUENCE;
  return storage
    .all(
      `SELECT sequence, at, expired, size, old, new FROM ${table.streamRows} WHERE sequence > ? ORDER BY sequence LIMIT ?`,
      after < 0n ? 0n : after,
      limit,
    )
    .map((row) => record(table, row));
};

const record = (table: Table, row: Row): DynamoDBRecord => {
  const sequence = (FIRST_SEQUENCE + BigInt(numberColumn(row, 0))).toString();
  const old = optionalImage(row, 4);
  const item = optionalImage(row, 5);
  return {
    eventID: `${table.id}`.padStart(8, "0") + sequence.padStart(24, "0"),
    eventName: old && item ? "MODIFY" : item ? "INSERT" : "REMOVE",
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: REGION,
    ...(numberColumn(row, 2) === 1 && {
      userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
    }),
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(numberColumn(row, 1) / 1000),
      Keys: keysOf(table, item ?? old ?? {}),
      ...(item && { NewImage: item }),
      ...(old && { OldImage: old }),
      SequenceNumber: sequence,
      SizeBytes: numberColumn(row, 3),
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    eventSourceARN: streamArn(table),
  };
};

/** An item under Lambda's name for it. */
type Image = NonNullable<NonNullable<DynamoDBRecord["dynamodb"]>["NewImage"]>;

const optionalImage = (row: Row, column: number): Image | undefined => {
  const text = optionalText(row, column);
  return text === undefined ? undefined : JSON.parse(text);
};

const keysOf = ({ key }: Table, image: Image): Image =>
  Object.fromEntries(
    keyAttributes(key).flatMap(({ name }) => {
      const value = image[name];
      return value ? [[name, value] as const] : [];
    }),
  );

/** Forgets records older than 24 hours. */
export const trimRecords = ({ storage, clock }: Engine, table: Table): void => {
  if (table.streamRows === undefined) return;
  const cutoff = clock.now() - KEPT_MS;
  const kept = storage.first(
    `SELECT sequence FROM ${table.streamRows} WHERE at >= ? ORDER BY sequence LIMIT 1`,
    cutoff,
  );
  if (kept)
    storage.run(`DELETE FROM ${table.streamRows} WHERE sequence < ?`, numberColumn(kept, 0));
  else storage.run(`DELETE FROM ${table.streamRows}`);
};
