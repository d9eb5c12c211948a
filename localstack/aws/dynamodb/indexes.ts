import { type Item, itemSize, member, valueSize } from "./attribute-values.ts";
import type { Index, Table } from "./catalog.ts";
import type { Engine } from "./engine.ts";
import { invalid, invalidParameter } from "./invalid.ts";
import {
  type EncodedKey,
  type EncodedValue,
  indexKey,
  isEmpty,
  type KeyAttribute,
  keyAttributes,
  longestKey,
} from "./keys.ts";
import { numberColumn, optionalText, type Row, type Storage } from "./storage.ts";
import { itemOf, type StoredItem } from "./stored-items.ts";

/**
 * @throws AwsError ValidationException when an index key attribute of the item has a wrong type, is
 *   empty, or is too long; an absent one only keeps the item out of the index
 */
export const checkIndexKeys = (table: Table, item: Item): void => {
  for (const index of table.indexes)
    for (const attribute of keyAttributes(index.key)) checkIndexKey(index, attribute, item);
};

const checkIndexKey = (index: Index, attribute: KeyAttribute, item: Item): void => {
  const { name, type } = attribute;
  const value = member(item, name);
  if (value === undefined) return;
  if (!(type in value))
    throw invalidParameter(
      `Type mismatch for Index Key ${name} Expected: ${type} Actual: ${Object.keys(value).join()} IndexName: ${index.name}`,
    );
  if (isEmpty(value))
    throw invalid(
      `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ${index.name}, IndexKey: ${name}`,
    );
  const longest = longestKey(index.key, attribute);
  if (valueSize(value) > longest)
    throw invalidParameter(
      `Size of the secondary index key ${name} has exceeded the maximum size limit of ${longest} bytes. IndexName: ${index.name}`,
    );
};

/**
 * Brings a write to the indexes: at once, or later when the stack misbehaves. Changes of one item
 * never overtake each other.
 */
export const updateIndexes = (
  engine: Engine,
  table: Table,
  key: EncodedKey,
  old: StoredItem | undefined,
  item: StoredItem | undefined,
): void => {
  if (table.indexes.length === 0) return;
  const now = engine.clock.now();
  const due = Math.max(
    now + engine.misbehaviour.indexLagMs(),
    latestDue(engine.storage, table, key),
  );
  if (due <= now) {
    settleIndexes(engine, table);
    for (const index of table.indexes)
      updateIndex(engine.storage, index, key, old?.item, item?.item);
    return;
  }
  engine.storage.run(
    `INSERT INTO ${table.pendingRows} (due, hash, range, old, new) VALUES (?, ?, ?, ?, ?)`,
    due,
    key.hash,
    key.range,
    old?.text ?? null,
    item?.text ?? null,
  );
};

const latestDue = (storage: Storage, table: Table, { hash, range }: EncodedKey): number => {
  const row = storage.first(
    `SELECT coalesce(max(due), 0) FROM ${table.pendingRows} WHERE hash = ? AND range = ?`,
    hash,
    range,
  );
  return row ? numberColumn(row, 0) : 0;
};

/** Whether changes are on their way that should have arrived by now. */
export const hasDueChanges = ({ storage, clock }: Engine, table: Table): boolean =>
  table.indexes.length > 0 &&
  storage.first(`SELECT 1 FROM ${table.pendingRows} WHERE due <= ? LIMIT 1`, clock.now()) !==
    undefined;

/** Applies the changes that are due; runs inside a transaction. */
export const settleIndexes = ({ storage, clock }: Engine, table: Table): void => {
  const now = clock.now();
  const rows = storage.all(
    `SELECT hash, range, old, new FROM ${table.pendingRows} WHERE due <= ? ORDER BY due, sequence`,
    now,
  );
  if (rows.length === 0) return;
  for (const row of rows) {
    const key = { hash: keyColumn(row, 0), range: keyColumn(row, 1) };
    const old = optionalText(row, 2);
    const item = optionalText(row, 3);
    for (const index of table.indexes)
      updateIndex(
        storage,
        index,
        key,
        old === undefined ? undefined : itemOf(old),
        item === undefined ? undefined : itemOf(item),
      );
  }
  storage.run(`DELETE FROM ${table.pendingRows} WHERE due <= ?`, now);
};

/** @throws TypeError when the column holds no key */
export const keyColumn = (row: Row, column: number): EncodedValue => {
  const value = row[column];
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw new TypeError(`column ${column} holds no key`);
};

const projected = (index: Index, item: Item): Item => {
  const names = index.projected;
  return names
    ? Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)))
    : item;
};

const sameKey = (one: EncodedKey, two: EncodedKey): boolean =>
  sameEncoded(one.hash, two.hash) && sameEncoded(one.range, two.range);

const sameEncoded = (one: EncodedValue, two: EncodedValue): boolean =>
  typeof one === "string" || typeof two === "string" ? one === two : Buffer.compare(one, two) === 0;

/** Moves one item's entry in one index from what `old` made of it to what `item` makes of it. */
export const updateIndex = (
  storage: Storage,
  index: Index,
  { hash, range }: EncodedKey,
  old: Item | undefined,
  item: Item | undefined,
): void => {
  const before = old && indexKey(index.key, old);
  const after = item && indexKey(index.key, item);
  if (before && !(after && sameKey(before, after)))
    storage.run(
      `DELETE FROM ${index.rows} WHERE index_hash = ? AND index_range = ? AND hash = ? AND range = ?`,
      before.hash,
      before.range,
      hash,
      range,
    );
  if (!after || !item) return;
  const entry = projected(index, item);
  storage.run(
    `INSERT OR REPLACE INTO ${index.rows} (index_hash, index_range, hash, range, item, size) VALUES (?, ?, ?, ?, ?, ?)`,
    after.hash,
    after.range,
    hash,
    range,
    JSON.stringify(entry),
    itemSize(entry),
  );
};
