import type { AttributeValue, Item } from "../attribute-values.ts";
import { invalid } from "../invalid.ts";
import { addNumbers, negateNumber } from "../numbers.ts";
import type { CallTemplate, OperandTemplate } from "./condition-syntax.ts";
import { invalidExpression } from "./expression-error.ts";
import {
  type Binding,
  boundPath,
  type Operand,
  requirePath,
  requireType,
  unknownFunction,
  wrongCount,
} from "./operand.ts";
import { valueAt } from "./path.ts";
import { placeholderValue } from "./placeholders.ts";
import type { SetTemplate } from "./update-syntax.ts";

/** A right-hand side of SET, evaluated against the item as it was before the update. */
export type SetValue = (item: Item) => AttributeValue;

export const wrongOperandType = () =>
  invalid("An operand in the update expression has an incorrect data type");

const required = (value: AttributeValue | undefined): AttributeValue => {
  if (value === undefined)
    throw invalid("The provided expression refers to an attribute that does not exist in the item");
  return value;
};

export const bindSetValue = (binding: Binding, template: SetTemplate): SetValue => {
  if (template.kind === "arithmetic") return bindArithmetic(binding, template);
  const { evaluate } = bindUpdateOperand(binding, template);
  return (item) => required(evaluate(item));
};

const bindArithmetic = (
  binding: Binding,
  { operator, operands }: Extract<SetTemplate, { kind: "arithmetic" }>,
): SetValue => {
  const left = bindUpdateOperand(binding, operands[0]);
  const right = bindUpdateOperand(binding, operands[1]);
  for (const operand of [left, right]) requireType(binding.kind, operator, operand, ["N"]);
  return (item) => {
    const one = required(left.evaluate(item));
    const two = required(right.evaluate(item));
    if (!("N" in one && "N" in two)) throw wrongOperandType();
    return { N: addNumbers(one.N, operator === "+" ? two.N : negateNumber(two.N)) };
  };
};

/** Binds an operand of SET, where `if_not_exists` and `list_append` are the functions. */
const bindUpdateOperand = (binding: Binding, template: OperandTemplate): Operand => {
  if (template.kind === "value") {
    const constant = placeholderValue(binding.kind, template.placeholder, binding.placeholders);
    return { evaluate: () => constant, constant };
  }
  if (template.kind === "path") {
    const path = boundPath(binding, template.path);
    return { evaluate: (item) => valueAt(item, path), path };
  }
  return bindUpdateFunction(binding, template);
};

const CONDITIONS_ONLY = new Set([
  "attribute_exists",
  "attribute_not_exists",
  "attribute_type",
  "begins_with",
  "contains",
  "size",
]);

const bindUpdateFunction = (binding: Binding, { name, operands }: CallTemplate): Operand => {
  if (CONDITIONS_ONLY.has(name))
    throw invalidExpression(
      binding.kind,
      `The function is not allowed in an update expression; function: ${name}`,
    );
  if (name !== "if_not_exists" && name !== "list_append") throw unknownFunction(binding.kind, name);
  const [one, two] = operands.map((operand) => bindUpdateOperand(binding, operand));
  if (!one || !two || operands.length !== 2) throw wrongCount(binding.kind, name, operands.length);
  return name === "list_append"
    ? bindListAppend(binding, one, two)
    : bindDefault(binding, one, two);
};

const bindDefault = (binding: Binding, one: Operand, two: Operand): Operand => {
  const path = requirePath(binding.kind, "if_not_exists", one);
  return { evaluate: (item) => valueAt(item, path) ?? two.evaluate(item) };
};

const bindListAppend = (binding: Binding, one: Operand, two: Operand): Operand => {
  for (const operand of [one, two]) requireType(binding.kind, "list_append", operand, ["L"]);
  return {
    evaluate: (item) => {
      const head = required(one.evaluate(item));
      const tail = required(two.evaluate(item));
      if (!("L" in head && "L" in tail)) throw wrongOperandType();
      return { L: [...head.L, ...tail.L] };
    },
  };
};
