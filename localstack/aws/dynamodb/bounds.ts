import { type AttributeValue, compareValues } from "./attribute-values.ts";
import { beginsWith } from "./expressions/condition-functions.ts";
import type { RangeCondition } from "./expressions/key-condition.ts";
import { invalidParameter } from "./invalid.ts";
import {
  type EncodedValue,
  encodeChecked,
  type KeyAttribute,
  type KeySchema,
  longestKey,
} from "./keys.ts";

type Bound = { readonly value: EncodedValue; readonly inclusive: boolean };

/** Range keys between two bounds; equal bounds mean one key. */
export type Bounds = {
  readonly equal?: EncodedValue;
  readonly low?: Bound;
  readonly high?: Bound;
};

/** @throws AwsError ValidationException when the condition's value cannot be that key's */
export const encodeConditionValue = (
  key: KeySchema,
  attribute: KeyAttribute,
  value: AttributeValue,
): EncodedValue => {
  if (!(attribute.type in value))
    throw invalidParameter("Condition parameter type does not match schema type");
  return encodeChecked(attribute, value, longestKey(key, attribute));
};

/**
 * The range keys that fulfil a condition.
 *
 * @throws AwsError ValidationException as `encodeConditionValue`
 */
export const rangeBounds = (
  key: KeySchema,
  attribute: KeyAttribute,
  condition: RangeCondition,
): Bounds => {
  if (condition.operator === "between")
    return {
      low: { value: encodeConditionValue(key, attribute, condition.low), inclusive: true },
      high: { value: encodeConditionValue(key, attribute, condition.high), inclusive: true },
    };
  const value = encodeConditionValue(key, attribute, condition.value);
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

/** Whether a range key fulfils a condition on it. */
export const fulfils = (value: AttributeValue, condition: RangeCondition): boolean => {
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
