import { BatchGetCommand } from "@aws-sdk/lib-dynamodb";
import { TransientError } from "../domain/errors.ts";
import type { Table } from "./table.ts";

type Row = Record<string, unknown>;

/** Keys that BatchGetItem takes at once. */
const BATCH = 100;

/** `items` in runs of at most `size`. */
export const chunked = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
    items.slice(n * size, (n + 1) * size),
  );

type Key = { readonly PK: string; readonly SK: string };

/**
 * The rows of these keys, read strongly, in no order, each once; those that are not there are left
 * out. BatchGetItem refuses a key that is named twice.
 */
export const getAll = async (table: Table, keys: readonly Key[]): Promise<Row[]> => {
  const distinct = [...new Map(keys.map((key) => [`${key.PK}\0${key.SK}`, key])).values()];
  return (
    await Promise.all(chunked(distinct, BATCH).map((chunk) => getChunk(table, chunk)))
  ).flat();
};

/** Tries for rows that DynamoDB left out of an answer, and the pause before each. */
const TRIES = 5;
const PAUSE_MS = 200;

const getChunk = async (table: Table, Keys: Row[], tries = TRIES): Promise<Row[]> => {
  const { client, name } = table;
  const { Responses, UnprocessedKeys } = await client.send(
    new BatchGetCommand({ RequestItems: { [name]: { Keys, ConsistentRead: true } } }),
  );
  const rows = Responses?.[name] ?? [];
  const rest = UnprocessedKeys?.[name]?.Keys ?? [];
  if (rest.length === 0) return rows;
  if (tries === 0) throw new TransientError("the table is busy: it left rows unread");
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * Math.random()));
  return [...rows, ...(await getChunk(table, rest, tries - 1))];
};
