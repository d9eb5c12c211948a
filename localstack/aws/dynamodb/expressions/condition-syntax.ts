import {
  atCall,
  type Cursor,
  commaSeparated,
  expectEnd,
  expectKeyword,
  expectSymbol,
  peek,
  syntaxError,
  take,
  takeKeyword,
} from "./cursor.ts";
import { invalidExpression } from "./expression-error.ts";
import { remembered } from "./parsed.ts";
import { type PathTemplate, parsePath } from "./path.ts";

export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

/** What a comparison or function works on, with its placeholders as written. */
export type OperandTemplate =
  | { readonly kind: "path"; readonly path: PathTemplate }
  | { readonly kind: "value"; readonly placeholder: string }
  | CallTemplate;

export type CallTemplate = {
  readonly kind: "call";
  readonly name: string;
  readonly operands: readonly OperandTemplate[];
};

/** A condition, filter or key condition as its text says it. */
export type ConditionTemplate =
  | {
      readonly kind: "and" | "or";
      readonly left: ConditionTemplate;
      readonly right: ConditionTemplate;
    }
  | { readonly kind: "not"; readonly condition: ConditionTemplate }
  | {
      readonly kind: "compare";
      readonly comparator: Comparator;
      readonly operands: readonly [OperandTemplate, OperandTemplate];
    }
  | {
      readonly kind: "between";
      readonly operands: readonly [OperandTemplate, OperandTemplate, OperandTemplate];
    }
  | {
      readonly kind: "in";
      readonly operand: OperandTemplate;
      readonly candidates: readonly OperandTemplate[];
    }
  | CallTemplate;

const COMPARATORS = ["=", "<>", "<", "<=", ">", ">="] as const;

/** IN takes at most this many candidates (API reference, "Comparison operator and function reference"). */
const MOST_CANDIDATES = 100;

/** or := and { OR and } ; and := not { AND not } ; not := NOT not | "(" or ")" | comparison */
const parseOr = (cursor: Cursor): ConditionTemplate => {
  let left = parseAnd(cursor);
  while (takeKeyword(cursor, "OR")) left = { kind: "or", left, right: parseAnd(cursor) };
  return left;
};

const parseAnd = (cursor: Cursor): ConditionTemplate => {
  let left = parseNot(cursor);
  while (takeKeyword(cursor, "AND")) left = { kind: "and", left, right: parseNot(cursor) };
  return left;
};

const parseNot = (cursor: Cursor): ConditionTemplate => {
  if (takeKeyword(cursor, "NOT")) return { kind: "not", condition: parseNot(cursor) };
  if (take(cursor, "symbol", "(") === undefined) return parseComparison(cursor);
  const nested = peek(cursor).text === "(";
  const condition = parseOr(cursor);
  if (nested && peek(cursor).text === ")" && wholeWasNested(cursor))
    throw invalidExpression(cursor.kind, "The expression has redundant parentheses;");
  expectSymbol(cursor, ")");
  return condition;
};

/** Whether the parenthesis that closes next to the cursor is one that opened directly after another: `((a))`. */
const wholeWasNested = (cursor: Cursor): boolean => {
  let depth = 0;
  for (let position = cursor.position - 1; position >= 0; position -= 1) {
    const text = cursor.tokens[position]?.text;
    if (text === ")") depth += 1;
    if (text === "(") depth -= 1;
    if (depth === 0) return text === "(" && cursor.tokens[position - 1]?.text === "(";
  }
  return false;
};

const parseComparison = (cursor: Cursor): ConditionTemplate => {
  const operand = parseOperand(cursor);
  const comparator = COMPARATORS.find((symbol) => take(cursor, "symbol", symbol) !== undefined);
  if (comparator) return { kind: "compare", comparator, operands: [operand, parseOperand(cursor)] };
  if (takeKeyword(cursor, "BETWEEN")) return parseBetween(cursor, operand);
  if (takeKeyword(cursor, "IN")) return parseIn(cursor, operand);
  if (operand.kind === "call") return operand;
  throw syntaxError(cursor);
};

const parseBetween = (cursor: Cursor, operand: OperandTemplate): ConditionTemplate => {
  const low = parseOperand(cursor);
  expectKeyword(cursor, "AND");
  return { kind: "between", operands: [operand, low, parseOperand(cursor)] };
};

const parseIn = (cursor: Cursor, operand: OperandTemplate): ConditionTemplate => {
  expectSymbol(cursor, "(");
  const candidates = commaSeparated(cursor, parseOperand);
  expectSymbol(cursor, ")");
  if (candidates.length > MOST_CANDIDATES)
    throw invalidExpression(
      cursor.kind,
      `The IN operator is provided with too many operands; number of operands: ${candidates.length}`,
    );
  return { kind: "in", operand, candidates };
};

/** Reads a path, a `:value` or a function call. */
export const parseOperand = (cursor: Cursor): OperandTemplate => {
  const placeholder = take(cursor, "value");
  if (placeholder !== undefined) return { kind: "value", placeholder };
  if (!atCall(cursor)) return { kind: "path", path: parsePath(cursor) };
  const name = take(cursor, "word") ?? "";
  expectSymbol(cursor, "(");
  const operands = commaSeparated(cursor, parseOperand);
  expectSymbol(cursor, ")");
  return { kind: "call", name, operands };
};

/** @throws AwsError ValidationException naming the token where the syntax breaks */
export const parseCondition = remembered((cursor): ConditionTemplate => {
  const condition = parseOr(cursor);
  expectEnd(cursor);
  return condition;
});
