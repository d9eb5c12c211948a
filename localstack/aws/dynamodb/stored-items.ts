import type { Item } from "./attribute-values.ts";
import type { Table } from "./catalog.ts";
import type { EncodedKey } from "./keys.ts";
import { numberColumn, type Row, type Storage, textColumn } from "./storage.ts";

/** An item as a row holds it. */
export type StoredItem = {
  readonly item: Item;
  readonly text: string;
  readonly size: number;
};

/** Reads what `JSON.stringify` of an item has written; nothing else writes these columns. */
export const itemOf = (text: string): Item => JSON.parse(text);

/** @param row whose first columns are the item and its size */
export const storedItem = (row: Row): StoredItem => {
  const text = textColumn(row, 0);
  return { item: itemOf(text), text, size: numberColumn(row, 1) };
};

export const findItem = (
  storage: Storage,
  table: Table,
  { hash, range }: EncodedKey,
): StoredItem | undefined => {
  const row = storage.first(
    `SELECT item, size FROM ${table.rows} WHERE hash = ? AND range = ?`,
    hash,
    range,
  );
  return row && storedItem(row);
};
