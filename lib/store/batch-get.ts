import { BatchGetCommand } from "@aws-sdk/lib-dynamodb";
import type { Table } from "./table.ts";

type Row = Record<string, unknown>;

/** Keys that BatchGetItem takes at once. */
const BATCH = 100;

/** `items` in runs of at most `size`. */
export const chunked = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
    items.slice(n * size, (n + 1) * size),
  );

/** The rows of these keys, read strongly, in no order; those that are not there are left out. */
export const getAll = async (table: Table, keys: readonly Row[]): Promise<Row[]> =>
  (await Promise.all(chunked(keys, BATCH).map((chunk) => getChunk(table, chunk)))).flat();

const getChunk = async (table: Table, Keys: Row[]): Promise<Row[]> => {
  const { client, name } = table;
  const { Responses, UnprocessedKeys } = await client.send(
    new BatchGetCommand({ RequestItems: { [name]: { Keys, ConsistentRead: true } } }),
  );
  const rows = Responses?.[name] ?? [];
  const rest = UnprocessedKeys?.[name]?.Keys ?? [];
  return rest.length === 0 ? rows : [...rows, ...(await getChunk(table, rest))];
};
