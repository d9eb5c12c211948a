import { type AttributeType, type AttributeValue, type Item, typeOf } from "../attribute-values.ts";
import type { OperandTemplate } from "./condition-syntax.ts";
import { type ExpressionKind, invalidExpression } from "./expression-error.ts";
import { bindPath, type Path, samePath, shownPath, valueAt } from "./path.ts";
import { type Placeholders, placeholderValue } from "./placeholders.ts";

/** What an expression's parts are bound with. */
export type Binding = {
  readonly kind: ExpressionKind;
  readonly placeholders: Placeholders;
  /** Collects the top-level attributes that paths of the expression begin with. */
  readonly attributes: Set<string>;
};

/** An operand of one request: its value for a given item, and what is known of it beforehand. */
export type Operand = {
  readonly evaluate: (item: Item) => AttributeValue | undefined;
  readonly path?: Path;
  readonly constant?: AttributeValue;
};

export const bindingOf = (kind: ExpressionKind, placeholders: Placeholders): Binding => ({
  kind,
  placeholders,
  attributes: new Set(),
});

export const boundPath = (
  { kind, placeholders, attributes }: Binding,
  template: Parameters<typeof bindPath>[1],
): Path => {
  const path = bindPath(kind, template, placeholders);
  const [first] = path;
  if (typeof first === "string") attributes.add(first);
  return path;
};

/** Binds an operand of a condition, where `size` is the only function that is a value. */
export const bindOperand = (binding: Binding, template: OperandTemplate): Operand => {
  if (template.kind === "value") {
    const constant = placeholderValue(binding.kind, template.placeholder, binding.placeholders);
    return { evaluate: () => constant, constant };
  }
  if (template.kind === "path") {
    const path = boundPath(binding, template.path);
    return { evaluate: (item) => valueAt(item, path), path };
  }
  return bindSize(binding, template.name, template.operands);
};

const CONDITION_FUNCTIONS = new Set([
  "attribute_exists",
  "attribute_not_exists",
  "attribute_type",
  "begins_with",
  "contains",
]);

const bindSize = (
  binding: Binding,
  name: string,
  templates: readonly OperandTemplate[],
): Operand => {
  if (CONDITION_FUNCTIONS.has(name)) throw misused(binding.kind, name);
  if (name !== "size") throw unknownFunction(binding.kind, name);
  const operands = templates.map((template) => bindOperand(binding, template));
  const [operand] = operands;
  if (!operand || operands.length !== 1) throw wrongCount(binding.kind, name, operands.length);
  requireType(binding.kind, name, operand, SIZED_TYPES);
  return {
    evaluate: (item) => {
      const value = operand.evaluate(item);
      const size = value && sizeOf(value);
      return size === undefined ? undefined : { N: String(size) };
    },
  };
};

const SIZED_TYPES = ["S", "B", "SS", "NS", "BS", "L", "M"] as const;

/** What `size` answers: characters, bytes or elements; undefined for types without a size. */
const sizeOf = (value: AttributeValue): number | undefined => {
  if ("S" in value) return value.S.length;
  if ("B" in value) return Buffer.byteLength(value.B, "base64");
  if ("SS" in value) return value.SS.length;
  if ("NS" in value) return value.NS.length;
  if ("BS" in value) return value.BS.length;
  if ("L" in value) return value.L.length;
  if ("M" in value) return Object.keys(value.M).length;
  return undefined;
};

export const unknownFunction = (kind: ExpressionKind, name: string) =>
  invalidExpression(kind, `Invalid function name; function: ${name}`);

export const misused = (kind: ExpressionKind, name: string) =>
  invalidExpression(
    kind,
    `The function is not allowed to be used this way in an expression; function: ${name}`,
  );

export const wrongCount = (kind: ExpressionKind, name: string, count: number) =>
  invalidExpression(
    kind,
    `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
  );

/** @throws AwsError ValidationException when the operand is a constant of another type */
export const requireType = (
  kind: ExpressionKind,
  name: string,
  { constant }: Operand,
  allowed: readonly AttributeType[],
): void => {
  const type = constant && typeOf(constant);
  if (type !== undefined && !allowed.includes(type))
    throw invalidExpression(
      kind,
      `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${type}`,
    );
};

/** @throws AwsError ValidationException when the operand is not a document path */
export const requirePath = (kind: ExpressionKind, name: string, { path }: Operand): Path => {
  if (!path)
    throw invalidExpression(
      kind,
      `Operator or function requires a document path; operator or function: ${name}`,
    );
  return path;
};

/** @throws AwsError ValidationException when a later operand is the first one's path again */
export const requireDistinct = (
  kind: ExpressionKind,
  operator: string,
  [first, ...others]: readonly Operand[],
): void => {
  const path = first?.path;
  if (path && others.some((other) => other.path && samePath(path, other.path)))
    throw invalidExpression(
      kind,
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: ${shownPath(path)}`,
    );
};
