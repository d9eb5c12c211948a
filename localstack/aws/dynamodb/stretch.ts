import type { SQLInputValue } from "node:sqlite";
import type { AttributeValue, Item } from "./attribute-values.ts";
import { compareValues } from "./attribute-values.ts";
import type { RangeCondition } from "./expressions/key-condition.ts";
import { invalid, invalidParameter } from "./invalid.ts";
import {
  type EncodedKey,
  type EncodedValue,
  encodeValue,
  indexKey,
  isEmpty,
  itemKey,
  type KeyAttribute,
  keyAttributes,
} from "./keys.ts";
import type { Source } from "./reads.ts";

/** A part of an SQL condition with its values. */
export type Clause = { readonly sql: string; readonly values: readonly SQLInputValue[] };

type Bound = { readonly value: EncodedValue; readonly inclusive: boolean };

/** Range keys between two bounds; equal bounds mean one key. */
type Bounds = {
  readonly equal?: EncodedValue;
  readonly low?: Bound;
  readonly high?: Bound;
};

/** Where a page begins: the encoded keys of the last item of the page before. */
export type StartKey = {
  readonly table: EncodedKey;
  readonly index: EncodedKey | undefined;
  readonly item: Item;
};

/** @throws AwsError ValidationException when the condition's value cannot be that key's */
export const encodeConditionValue = (
  { name, type }: KeyAttribute,
  value: AttributeValue,
): EncodedValue => {
  const encoded = type in value ? encodeValue(value) : undefined;
  if (encoded === undefined)
    throw invalidParameter("Condition parameter type does not match schema type");
  if (isEmpty(value))
    throw invalid(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
    );
  return encoded;
};

const rangeBounds = (attribute: KeyAttribute, condition: RangeCondition): Bounds => {
  if (condition.operator === "between")
    return {
      low: { value: encodeConditionValue(attribute, condition.low), inclusive: true },
      high: { value: encodeConditionValue(attribute, condition.high), inclusive: true },
    };
  const value = encodeConditionValue(attribute, condition.value);
  switch (condition.operator) {
    case "=":
      return { equal: value };
    case "<":
    case "<=":
      return { high: { value, inclusive: condition.operator === "<=" } };
    case ">":
    case ">=":
      return { low: { value, inclusive: condition.operator === ">=" } };
    case "begins_with":
      return prefixBounds(value);
  }
};

const prefixBounds = (prefix: EncodedValue): Bounds => {
  const end = typeof prefix === "string" ? endOfTexts(prefix) : endOfBytes(prefix);
  return {
    low: { value: prefix, inclusive: true },
    ...(end !== undefined && { high: { value: end, inclusive: false } }),
  };
};

const HIGHEST_CODE_POINT = 0x10ffff;

/** The first text after all that begin with the prefix; undefined when there is none. */
const endOfTexts = (prefix: string): string | undefined => {
  const points = [...prefix].map((character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === HIGHEST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // The code points between are surrogates, which no UTF-8 text holds.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return String.fromCodePoint(...points, next);
};

const endOfBytes = (prefix: Uint8Array): Uint8Array | undefined => {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  if (length === 0) return undefined;
  const end = prefix.slice(0, length);
  end[length - 1] = (end[length - 1] ?? 0) + 1;
  return end;
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
  const encoded = encodeConditionValue(key.hash, hash);
  const bounds = condition && key.range ? rangeBounds(key.range, condition) : {};
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

const fulfils = (value: AttributeValue, condition: RangeCondition): boolean => {
  if (condition.operator === "between")
    return (
      (compareValues(value, condition.low) ?? -1) >= 0 &&
      (compareValues(value, condition.high) ?? 1) <= 0
    );
  if (condition.operator === "begins_with") return beginsWith(value, condition.value);
  const sign = compareValues(value, condition.value) ?? Number.NaN;
  switch (condition.operator) {
    case "=":
      return sign === 0;
    case "<":
      return sign < 0;
    case "<=":
      return sign <= 0;
    case ">":
      return sign > 0;
    case ">=":
      return sign >= 0;
  }
};

const beginsWith = (value: AttributeValue, prefix: AttributeValue): boolean => {
  if ("S" in value && "S" in prefix) return value.S.startsWith(prefix.S);
  if (!("B" in value && "B" in prefix)) return false;
  const start = Buffer.from(prefix.B, "base64");
  return Buffer.from(value.B, "base64").subarray(0, start.length).equals(start);
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
