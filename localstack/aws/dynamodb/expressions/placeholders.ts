import type { AttributeValue, Item } from "../attribute-values.ts";
import { invalid, malformed } from "../invalid.ts";
import { isRecord, readItem } from "../read-values.ts";
import { type ExpressionKind, invalidExpression } from "./expression-error.ts";

/** `ExpressionAttributeNames` and `ExpressionAttributeValues` of one request, and which of them its expressions use. */
export type Placeholders = {
  readonly names: ReadonlyMap<string, string>;
  readonly values: Item;
  readonly used: Set<string>;
};

const NAME_KEY = /^#[A-Za-z0-9_]+$/;
const VALUE_KEY = /^:[A-Za-z0-9_]+$/;

/**
 * Reads both members of a request that has the given expressions; an absent expression is
 * undefined.
 *
 * @throws AwsError ValidationException when placeholders come without an expression, are empty or
 *   misspelt
 */
export const readPlaceholders = (
  names: unknown,
  values: unknown,
  expressions: Readonly<Record<string, string | undefined>>,
): Placeholders => ({
  names: names == null ? NO_NAMES : readNames(names, expressions),
  values: values == null ? NO_VALUES : readValues(values, expressions),
  used: new Set(),
});

const NO_NAMES: ReadonlyMap<string, string> = new Map();
const NO_VALUES: Item = {};

const readNames = (
  input: unknown,
  expressions: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> => {
  if (!isRecord(input)) throw malformed("Unexpected value type in payload");
  if (Object.values(expressions).every((expression) => expression === undefined))
    throw invalid("ExpressionAttributeNames can only be specified when using expressions");
  const names = new Map<string, string>();
  for (const [key, name] of Object.entries(input)) {
    if (!NAME_KEY.test(key))
      throw invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "${key}"`);
    if (typeof name !== "string") throw malformed("Unexpected value type in payload");
    if (name === "")
      throw invalid(
        `ExpressionAttributeNames contains invalid value: Empty attribute name for key ${key}`,
      );
    names.set(key, name);
  }
  if (names.size === 0) throw invalid("ExpressionAttributeNames must not be empty");
  return names;
};

/** Values have no place in a projection, so that one alone does not allow them. */
const readValues = (
  input: unknown,
  expressions: Readonly<Record<string, string | undefined>>,
): Item => {
  const takers = Object.entries(expressions).filter(([kind]) => kind !== "ProjectionExpression");
  if (takers.every(([, expression]) => expression === undefined)) {
    const kinds = takers.map(([kind]) => kind).join(" and ");
    throw invalid(
      `ExpressionAttributeValues can only be specified when using expressions: ${kinds} ${takers.length > 1 ? "are" : "is"} null`,
    );
  }
  const values = readItem(input);
  const keys = Object.keys(values);
  if (keys.length === 0) throw invalid("ExpressionAttributeValues must not be empty");
  const wrong = keys.find((key) => !VALUE_KEY.test(key));
  if (wrong !== undefined)
    throw invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "${wrong}"`);
  return values;
};

export const placeholderName = (
  kind: ExpressionKind,
  placeholder: string,
  { names, used }: Placeholders,
): string => {
  const name = names.get(placeholder);
  if (name === undefined)
    throw invalidExpression(
      kind,
      `An expression attribute name used in the document path is not defined; attribute name: ${placeholder}`,
    );
  used.add(placeholder);
  return name;
};

export const placeholderValue = (
  kind: ExpressionKind,
  placeholder: string,
  { values, used }: Placeholders,
): AttributeValue => {
  const value = values[placeholder];
  if (value === undefined)
    throw invalidExpression(
      kind,
      `An expression attribute value used in expression is not defined; attribute value: ${placeholder}`,
    );
  used.add(placeholder);
  return value;
};

/** @throws AwsError ValidationException when a placeholder was given that no expression used */
export const refuseUnused = ({ names, values, used }: Placeholders): void => {
  refuseUnusedKeys("ExpressionAttributeNames", [...names.keys()], used);
  refuseUnusedKeys("ExpressionAttributeValues", Object.keys(values), used);
};

const refuseUnusedKeys = (
  member: string,
  keys: readonly string[],
  used: ReadonlySet<string>,
): void => {
  const unused = keys.filter((key) => !used.has(key));
  if (unused.length > 0)
    throw invalid(
      `Value provided in ${member} unused in expressions: keys: {${unused.join(", ")}}`,
    );
};
