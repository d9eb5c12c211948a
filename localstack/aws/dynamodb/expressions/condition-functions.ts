import { ATTRIBUTE_TYPES, type AttributeValue, type Item, sameValue } from "../attribute-values.ts";
import type { CallTemplate } from "./condition-syntax.ts";
import { invalidExpression } from "./expression-error.ts";
import {
  type Binding,
  bindOperand,
  misused,
  type Operand,
  requireDistinct,
  requirePath,
  requireType,
  unknownFunction,
  wrongCount,
} from "./operand.ts";
import { valueAt } from "./path.ts";

type Predicate = (item: Item) => boolean;

/** Binds a function that is a condition by itself. */
export const bindFunction = (binding: Binding, call: CallTemplate): Predicate => {
  switch (call.name) {
    case "attribute_exists":
      return bindExists(binding, call);
    case "attribute_not_exists": {
      const exists = bindExists(binding, call);
      return (item) => !exists(item);
    }
    case "attribute_type":
      return bindType(binding, call);
    case "begins_with":
      return bindBeginsWith(binding, call);
    case "contains":
      return bindContains(binding, call);
    case "size":
      throw misused(binding.kind, call.name);
    default:
      throw unknownFunction(binding.kind, call.name);
  }
};

const bindExists = (binding: Binding, { name, operands }: CallTemplate): Predicate => {
  const [template] = operands;
  if (!template || operands.length !== 1) throw wrongCount(binding.kind, name, operands.length);
  const path = requirePath(binding.kind, name, bindOperand(binding, template));
  return (item) => valueAt(item, path) !== undefined;
};

const bindTwo = (
  binding: Binding,
  { name, operands }: CallTemplate,
): readonly [Operand, Operand] => {
  const [one, two] = operands;
  if (!one || !two || operands.length !== 2) throw wrongCount(binding.kind, name, operands.length);
  const bound = [bindOperand(binding, one), bindOperand(binding, two)] as const;
  requireDistinct(binding.kind, name, bound);
  return bound;
};

const bindType = (binding: Binding, call: CallTemplate): Predicate => {
  const [operand, type] = bindTwo(binding, call);
  const path = requirePath(binding.kind, call.name, operand);
  requireType(binding.kind, call.name, type, ["S"]);
  const wanted = type.constant && "S" in type.constant ? type.constant.S : undefined;
  if (wanted === undefined) throw misused(binding.kind, call.name);
  if (!ATTRIBUTE_TYPES.some((known) => known === wanted))
    throw invalidExpression(
      binding.kind,
      `Invalid attribute type name found; type: ${wanted}, valid types: {${ATTRIBUTE_TYPES.join(",")}}`,
    );
  return (item) => {
    const value = valueAt(item, path);
    return value !== undefined && wanted in value;
  };
};

const bindBeginsWith = (binding: Binding, call: CallTemplate): Predicate => {
  const [operand, prefix] = bindTwo(binding, call);
  for (const each of [operand, prefix]) requireType(binding.kind, call.name, each, ["S", "B"]);
  return (item) => {
    const value = operand.evaluate(item);
    const start = prefix.evaluate(item);
    return value !== undefined && start !== undefined && beginsWith(value, start);
  };
};

const bytes = (base64: string): Buffer => Buffer.from(base64, "base64");

/** Whether a string or binary begins with another. */
export const beginsWith = (value: AttributeValue, prefix: AttributeValue): boolean => {
  if ("S" in value && "S" in prefix) return value.S.startsWith(prefix.S);
  if ("B" in value && "B" in prefix) {
    const start = bytes(prefix.B);
    return bytes(value.B).subarray(0, start.length).equals(start);
  }
  return false;
};

const bindContains = (binding: Binding, call: CallTemplate): Predicate => {
  const [operand, part] = bindTwo(binding, call);
  requireType(binding.kind, call.name, operand, ["S", "B", "SS", "NS", "BS", "L"]);
  return (item) => {
    const value = operand.evaluate(item);
    const wanted = part.evaluate(item);
    return value !== undefined && wanted !== undefined && contains(value, wanted);
  };
};

/** A substring, a member of a set, or an element of a list. */
const contains = (value: AttributeValue, part: AttributeValue): boolean => {
  if ("L" in value) return value.L.some((element) => sameValue(element, part));
  if ("S" in part)
    return "S" in value ? value.S.includes(part.S) : "SS" in value && value.SS.includes(part.S);
  if ("N" in part) return "NS" in value && value.NS.includes(part.N);
  if ("B" in part)
    return "B" in value
      ? bytes(value.B).includes(bytes(part.B))
      : "BS" in value && value.BS.includes(part.B);
  return false;
};
