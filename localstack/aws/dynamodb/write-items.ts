import { type Item, itemSize, sameItem } from "./attribute-values.ts";
import type { Table } from "./catalog.ts";
import type { Engine } from "./engine.ts";
import { expiryOf } from "./expiry.ts";
import { checkIndexKeys, updateIndexes } from "./indexes.ts";
import { invalid } from "./invalid.ts";
import type { EncodedKey } from "./keys.ts";
import type { StoredItem } from "./stored-items.ts";
import { appendRecord } from "./stream-records.ts";

const LARGEST_ITEM_BYTES = 400 * 1024;

/**
 * @param tooLarge what the service says when the item exceeds 400 KB
 * @returns the item's size in bytes
 * @throws AwsError ValidationException when the item is too large or an index cannot hold it
 */
export const checkItem = (table: Table, item: Item, tooLarge: string): number => {
  const size = itemSize(item);
  if (size > LARGEST_ITEM_BYTES) throw invalid(tooLarge);
  checkIndexKeys(table, item);
  return size;
};

/**
 * Stores an item in place of `old`: the row, its index entries and its stream record. Nothing
 * happens when the item is what it was.
 *
 * @throws AwsError as `checkItem` does
 */
export const putItem = (
  engine: Engine,
  table: Table,
  key: EncodedKey,
  old: StoredItem | undefined,
  item: Item,
  tooLarge: string,
): void => {
  const size = checkItem(table, item, tooLarge);
  if (old?.size === size && sameItem(old.item, item)) return;
  const stored = { item, text: JSON.stringify(item), size };
  engine.storage.run(
    `INSERT OR REPLACE INTO ${table.rows} (hash, range, item, size, expires) VALUES (?, ?, ?, ?, ?)`,
    key.hash,
    key.range,
    stored.text,
    size,
    expiryOf(table, item),
  );
  updateIndexes(engine, table, key, old, stored);
  appendRecord(engine, table, old, stored, false);
};

/** Removes an item, its index entries, and writes its stream record. */
export const removeItem = (
  engine: Engine,
  table: Table,
  key: EncodedKey,
  old: StoredItem,
  expired = false,
): void => {
  engine.storage.run(`DELETE FROM ${table.rows} WHERE hash = ? AND range = ?`, key.hash, key.range);
  updateIndexes(engine, table, key, old, undefined);
  appendRecord(engine, table, old, undefined, expired);
};
