import {
  ATTRIBUTE_TYPES,
  type AttributeValue,
  compareValues,
  type Item,
  sameValue,
  typeOf,
} from "../attribute-values.ts";
import { bindFunction } from "./condition-functions.ts";
import {
  type Comparator,
  type ConditionTemplate,
  type OperandTemplate,
  parseCondition,
} from "./condition-syntax.ts";
import { type ExpressionKind, invalidExpression } from "./expression-error.ts";
import {
  type Binding,
  bindingOf,
  bindOperand,
  type Operand,
  requireDistinct,
  requireType,
} from "./operand.ts";
import type { Placeholders } from "./placeholders.ts";

/** Whether an item, `{}` when there is none, fulfils a condition. */
type Predicate = (item: Item) => boolean;

export type Condition = {
  readonly holds: Predicate;
  /** The top-level attributes that the condition reads. */
  readonly attributes: ReadonlySet<string>;
};

/**
 * Parses and binds a condition or filter expression.
 *
 * @throws AwsError ValidationException for wrong syntax, undefined placeholders, and operands
 *   whose types are known to be wrong before any item is seen
 */
export const readCondition = (
  kind: ExpressionKind,
  source: string,
  placeholders: Placeholders,
): Condition => {
  const binding = bindingOf(kind, placeholders);
  const holds = bind(binding, parseCondition(kind, source));
  return { holds, attributes: binding.attributes };
};

const bind = (binding: Binding, template: ConditionTemplate): Predicate => {
  switch (template.kind) {
    case "and":
    case "or":
      return bindBoth(binding, template);
    case "not": {
      const holds = bind(binding, template.condition);
      return (item) => !holds(item);
    }
    case "compare":
      return bindComparison(binding, template.comparator, template.operands);
    case "between":
      return bindBetween(binding, template.operands);
    case "in":
      return bindIn(binding, template.operand, template.candidates);
    case "call":
      return bindFunction(binding, template);
  }
};

const bindBoth = (
  binding: Binding,
  { kind, left, right }: Extract<ConditionTemplate, { kind: "and" | "or" }>,
): Predicate => {
  const first = bind(binding, left);
  const second = bind(binding, right);
  return kind === "and"
    ? (item) => first(item) && second(item)
    : (item) => first(item) || second(item);
};

const ORDERED_TYPES = ["S", "N", "B"] as const;

const COMPARE: Readonly<
  Record<
    Comparator,
    (left: AttributeValue | undefined, right: AttributeValue | undefined) => boolean
  >
> = {
  "=": (left, right) => left !== undefined && right !== undefined && sameValue(left, right),
  "<>": (left, right) => left === undefined || right === undefined || !sameValue(left, right),
  "<": (left, right) => order(left, right, (sign) => sign < 0),
  "<=": (left, right) => order(left, right, (sign) => sign <= 0),
  ">": (left, right) => order(left, right, (sign) => sign > 0),
  ">=": (left, right) => order(left, right, (sign) => sign >= 0),
};

/** Values that are missing or of different types have no order: every comparison is false. */
const order = (
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
  wanted: (sign: number) => boolean,
): boolean => {
  const sign = left && right && compareValues(left, right);
  return sign !== undefined && wanted(sign);
};

const bindComparison = (
  binding: Binding,
  comparator: Comparator,
  templates: readonly [OperandTemplate, OperandTemplate],
): Predicate => {
  const left = bindOperand(binding, templates[0]);
  const right = bindOperand(binding, templates[1]);
  const types = comparator === "=" || comparator === "<>" ? ATTRIBUTE_TYPES : ORDERED_TYPES;
  requireType(binding.kind, comparator, left, types);
  requireType(binding.kind, comparator, right, types);
  requireDistinct(binding.kind, comparator, [left, right]);
  const compare = COMPARE[comparator];
  return (item) => compare(left.evaluate(item), right.evaluate(item));
};

const bindBetween = (
  binding: Binding,
  templates: readonly [OperandTemplate, OperandTemplate, OperandTemplate],
): Predicate => {
  const operand = bindOperand(binding, templates[0]);
  const low = bindOperand(binding, templates[1]);
  const high = bindOperand(binding, templates[2]);
  for (const each of [operand, low, high])
    requireType(binding.kind, "BETWEEN", each, ORDERED_TYPES);
  requireDistinct(binding.kind, "BETWEEN", [operand, low, high]);
  if (low.constant && high.constant) requireBounds(binding.kind, low.constant, high.constant);
  return (item) => {
    const value = operand.evaluate(item);
    return COMPARE[">="](value, low.evaluate(item)) && COMPARE["<="](value, high.evaluate(item));
  };
};

/** @throws AwsError ValidationException when the bounds differ in type or are the wrong way round */
export const requireBounds = (
  kind: ExpressionKind,
  low: AttributeValue,
  high: AttributeValue,
): void => {
  const shown = `lower bound operand: AttributeValue: ${show(low)}, upper bound operand: AttributeValue: ${show(high)}`;
  const sign = compareValues(low, high);
  if (sign === undefined)
    throw invalidExpression(
      kind,
      `The BETWEEN operator requires same data type for lower and upper bounds; ${shown}`,
    );
  if (sign > 0)
    throw invalidExpression(
      kind,
      `The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${shown}`,
    );
};

const show = (value: AttributeValue): string => `{${typeOf(value)}:${Object.values(value).join()}}`;

const bindIn = (
  binding: Binding,
  template: OperandTemplate,
  candidates: readonly OperandTemplate[],
): Predicate => {
  const operand = bindOperand(binding, template);
  const bound: readonly Operand[] = candidates.map((candidate) => bindOperand(binding, candidate));
  requireDistinct(binding.kind, "IN", [operand, ...bound]);
  return (item) => {
    const value = operand.evaluate(item);
    return bound.some((candidate) => COMPARE["="](value, candidate.evaluate(item)));
  };
};
