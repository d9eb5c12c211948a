import type { Rule } from "./machine.ts";
import { type Documents, lookup, RuntimeError } from "./paths.ts";

const compare = (condition: Rule, documents: Documents): boolean => {
  const { Variable = "$" } = condition;
  const value = lookup(Variable, documents);
  if (condition.IsPresent !== undefined) return (value !== undefined) === condition.IsPresent;
  if (value === undefined)
    throw new RuntimeError(
      `Invalid path '${Variable}': The choice state's condition path references an invalid value.`,
    );
  if (condition.StringEquals !== undefined) return value === condition.StringEquals;
  if (condition.BooleanEquals !== undefined) return value === condition.BooleanEquals;
  const { NumericGreaterThan: limit } = condition;
  return typeof value === "number" && limit !== undefined && value > limit;
};

/**
 * Whether a choice rule holds. A value of another type than the operator's does not match.
 *
 * @throws RuntimeError when the variable is absent and the rule does not ask whether it is present
 */
export const holds = (condition: Rule, documents: Documents): boolean => {
  if (condition.And) return condition.And.every((part) => holds(part, documents));
  if (condition.Or) return condition.Or.some((part) => holds(part, documents));
  if (condition.Not) return !holds(condition.Not, documents);
  return compare(condition, documents);
};
