import type { SQLInputValue } from "node:sqlite";
import { type AttributeValue, compareValues, type Item } from "./attribute-values.ts";
import { type Bounds, encodeConditionValue, fulfils, rangeBounds } from "./bounds.ts";
import type { RangeCondition } from "./expressions/key-condition.ts";
import { invalid } from "./invalid.ts";
import { type EncodedKey, indexKey, itemKey, keyAttributes } from "./keys.ts";
import type { Source } from "./reads.ts";

/** A part of an SQL condition with its values. */
export type Clause = { readonly sql: string; readonly values: readonly SQLInputValue[] };

/** Where a page begins: the encoded keys of the last item of the page before. */
export type StartKey = {
  readonly table: EncodedKey;
  readonly index: EncodedKey | undefined;
  readonly item: Item;
};

/**
 * Reads `ExclusiveStartKey`, which must be the key that a page of this source ends with.
 *
 * @throws AwsError ValidationException when it is not
 */
export const readStartKey = ({ table, index }: Source, item: Item): StartKey => {
  const names = new Set(
    [...keyAttributes(table.key), ...(index ? keyAttributes(index.key) : [])].map(
      ({ name }) => name,
    ),
  );
  if (Object.keys(item).length !== names.size || !Object.keys(item).every((key) => names.has(key)))
    throw invalid("The provided starting key is invalid");
  const ofIndex = index && indexKey(index.key, item);
  if (index && !ofIndex) throw invalid("The provided starting key is invalid");
  return { table: itemKey(table.key, item), index: ofIndex, item };
};

/** The rows of one hash key whose range keys fulfil a condition, from a start key on. */
export const queryClause = (
  { key, index }: Source,
  hash: AttributeValue,
  condition: RangeCondition | undefined,
  start: StartKey | undefined,
  forward: boolean,
): Clause => {
  const encoded = encodeConditionValue(key, key.hash, hash);
  const bounds = condition && key.range ? rangeBounds(key, key.range, condition) : {};
  if (start) refuseForeignStart(start, { key, index }, hash, condition);
  const ranged = rangeClause(
    index ? "index_range" : "range",
    start ? open(bounds, forward) : bounds,
  );
  const started = start ? startClause(start, bounds.equal !== undefined, forward) : EVERYTHING;
  return {
    sql: `${index ? "index_hash" : "hash"} = ?${ranged.sql}${started.sql}`,
    values: [encoded, ...ranged.values, ...started.values],
  };
};

const EVERYTHING: Clause = { sql: "", values: [] };

/** The start key takes the place of the bound that reading begins at: SQLite seeks by one of them only. */
const open = ({ low, high, equal }: Bounds, forward: boolean): Bounds => ({
  ...(equal !== undefined && { equal }),
  ...(forward ? high && { high } : low && { low }),
});

const rangeClause = (column: string, { equal, low, high }: Bounds): Clause => {
  if (equal !== undefined) return { sql: ` AND ${column} = ?`, values: [equal] };
  const parts = [
    ...(low ? [{ sql: ` AND ${column} ${low.inclusive ? ">=" : ">"} ?`, value: low.value }] : []),
    ...(high
      ? [{ sql: ` AND ${column} ${high.inclusive ? "<=" : "<"} ?`, value: high.value }]
      : []),
  ];
  return { sql: parts.map(({ sql }) => sql).join(""), values: parts.map(({ value }) => value) };
};

/** @param rangeFixed whether all rows have the same range key in the index */
const startClause = ({ table, index }: StartKey, rangeFixed: boolean, forward: boolean): Clause => {
  const after = forward ? ">" : "<";
  if (!index) return { sql: ` AND range ${after} ?`, values: [table.range] };
  if (rangeFixed)
    return { sql: ` AND (hash, range) ${after} (?, ?)`, values: [table.hash, table.range] };
  return {
    sql: ` AND (index_range, hash, range) ${after} (?, ?, ?)`,
    values: [index.range, table.hash, table.range],
  };
};

const refuseForeignStart = (
  { item }: StartKey,
  { key }: Pick<Source, "key" | "index">,
  hash: AttributeValue,
  condition: RangeCondition | undefined,
): void => {
  const startHash = item[key.hash.name];
  if (!startHash || compareValues(startHash, hash) !== 0)
    throw invalid(
      "The provided starting key is outside query boundaries based on provided conditions",
    );
  const startRange = key.range && item[key.range.name];
  if (condition && startRange && !fulfils(startRange, condition))
    throw invalid("The provided starting key does not match the range key predicate");
};

/** All rows of a table or index from a start key on. */
export const scanClause = (start: StartKey | undefined): Clause => {
  if (!start) return { sql: "TRUE", values: [] };
  const { table, index } = start;
  return index
    ? {
        sql: "(index_hash, index_range, hash, range) > (?, ?, ?, ?)",
        values: [index.hash, index.range, table.hash, table.range],
      }
    : { sql: "(hash, range) > (?, ?)", values: [table.hash, table.range] };
};
