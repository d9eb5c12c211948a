import type { AttributeValue } from "../attribute-values.ts";
import { invalid } from "../invalid.ts";
import type { KeySchema } from "../keys.ts";
import { requireBounds } from "./condition.ts";
import {
  type ConditionTemplate,
  type OperandTemplate,
  parseCondition,
} from "./condition-syntax.ts";
import { invalidExpression } from "./expression-error.ts";
import { bindPath, type PathTemplate } from "./path.ts";
import { type Placeholders, placeholderValue } from "./placeholders.ts";

const KIND = "KeyConditionExpression";

export type RangeCondition =
  | {
      readonly operator: "=" | "<" | "<=" | ">" | ">=" | "begins_with";
      readonly value: AttributeValue;
    }
  | {
      readonly operator: "between";
      readonly low: AttributeValue;
      readonly high: AttributeValue;
    };

/** Which part of a table or index a query reads: one hash key value, and a stretch of range keys. */
export type KeyCondition = {
  readonly hash: AttributeValue;
  readonly range: RangeCondition | undefined;
};

type Named = { readonly name: string; readonly condition: RangeCondition };

const unsupported = () => invalid("Query key condition not supported");

const wrongOperator = (operator: string) =>
  invalid(`Invalid operator used in KeyConditionExpression: ${operator}`);

/**
 * Parses and binds a key condition for a table or index with the given key.
 *
 * @throws AwsError ValidationException when it is anything but the hash key's value, alone or
 *   with one condition on the range key
 */
export const readKeyCondition = (
  source: string,
  placeholders: Placeholders,
  key: KeySchema,
): KeyCondition => {
  const conditions = flatten(parseCondition(KIND, source)).map((template) =>
    bind(template, placeholders),
  );
  if (new Set(conditions.map(({ name }) => name)).size < conditions.length)
    throw invalid("KeyConditionExpressions must only contain one condition per key");
  if (conditions.length > 2) throw invalid("Conditions can be of length 1 or 2 only");
  return { hash: hashOf(conditions, key), range: rangeOf(conditions, key) };
};

const hashOf = (conditions: readonly Named[], { hash }: KeySchema): AttributeValue => {
  const found = conditions.find(({ name }) => name === hash.name);
  if (!found) throw invalid(`Query condition missed key schema element: ${hash.name}`);
  if (found.condition.operator !== "=") throw unsupported();
  return found.condition.value;
};

const rangeOf = (
  conditions: readonly Named[],
  { hash, range }: KeySchema,
): RangeCondition | undefined => {
  const other = conditions.find(({ name }) => name !== hash.name);
  if (other && other.name !== range?.name)
    throw range
      ? invalid(`Query condition missed key schema element: ${range.name}`)
      : unsupported();
  return other?.condition;
};

const flatten = (template: ConditionTemplate): readonly ConditionTemplate[] =>
  template.kind === "and" ? [...flatten(template.left), ...flatten(template.right)] : [template];

const bind = (template: ConditionTemplate, placeholders: Placeholders): Named => {
  switch (template.kind) {
    case "compare":
      return bindComparison(template, placeholders);
    case "between":
      return bindBetween(template.operands, placeholders);
    case "call":
      return bindBeginsWith(template, placeholders);
    case "and":
    case "or":
    case "not":
    case "in":
      throw wrongOperator(template.kind.toUpperCase());
  }
};

/** What a comparison becomes when its sides change places. */
const MIRRORED = { "=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;

const bindComparison = (
  { comparator, operands: [left, right] }: Extract<ConditionTemplate, { kind: "compare" }>,
  placeholders: Placeholders,
): Named => {
  if (comparator === "<>") throw wrongOperator(comparator);
  if (left.kind === "call" || right.kind === "call")
    throw invalid("KeyConditionExpressions cannot contain nested operations");
  const [key, other, operator] =
    left.kind === "value" ? [right, left, MIRRORED[comparator]] : [left, right, comparator];
  const name = keyName(key, placeholders);
  return { name, condition: { operator, value: constant(other, placeholders) } };
};

const bindBetween = (
  [operand, low, high]: readonly [OperandTemplate, OperandTemplate, OperandTemplate],
  placeholders: Placeholders,
): Named => {
  const name = keyName(operand, placeholders);
  const bounds = { low: constant(low, placeholders), high: constant(high, placeholders) };
  requireBounds(KIND, bounds.low, bounds.high);
  return { name, condition: { operator: "between", ...bounds } };
};

const bindBeginsWith = (
  { name: called, operands }: Extract<ConditionTemplate, { kind: "call" }>,
  placeholders: Placeholders,
): Named => {
  if (called !== "begins_with") throw wrongOperator(called);
  const [operand, prefix] = operands;
  if (!operand || !prefix || operands.length !== 2)
    throw invalidExpression(
      KIND,
      `Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: ${operands.length}`,
    );
  const value = constant(prefix, placeholders);
  if (!("S" in value || "B" in value))
    throw invalidExpression(
      KIND,
      `Incorrect operand type for operator or function; operator or function: begins_with, operand type: ${Object.keys(value).join()}`,
    );
  return { name: keyName(operand, placeholders), condition: { operator: "begins_with", value } };
};

const keyName = (operand: OperandTemplate, placeholders: Placeholders): string => {
  if (operand.kind !== "path") throw unsupported();
  return topLevelName(operand.path, placeholders);
};

const topLevelName = (template: PathTemplate, placeholders: Placeholders): string => {
  const [name, ...nested] = bindPath(KIND, template, placeholders);
  if (nested.length > 0)
    throw invalid(
      `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: ${name}`,
    );
  if (typeof name !== "string") throw unsupported();
  return name;
};

const constant = (operand: OperandTemplate, placeholders: Placeholders): AttributeValue => {
  if (operand.kind !== "value") throw unsupported();
  return placeholderValue(KIND, operand.placeholder, placeholders);
};
