import { type OperandTemplate, parseOperand } from "./condition-syntax.ts";
import {
  type Cursor,
  commaSeparated,
  expectSymbol,
  peek,
  syntaxError,
  take,
  takeKeyword,
} from "./cursor.ts";
import { invalidExpression } from "./expression-error.ts";
import { remembered } from "./parsed.ts";
import { type PathTemplate, parsePath } from "./path.ts";

/** The right-hand side of SET: an operand, or the sum or difference of two. */
export type SetTemplate =
  | OperandTemplate
  | {
      readonly kind: "arithmetic";
      readonly operator: "+" | "-";
      readonly operands: readonly [OperandTemplate, OperandTemplate];
    };

export type UpdateTemplate = {
  readonly set: readonly { readonly path: PathTemplate; readonly value: SetTemplate }[];
  readonly remove: readonly PathTemplate[];
  readonly add: readonly PathAndPlaceholder[];
  readonly delete: readonly PathAndPlaceholder[];
};

export type PathAndPlaceholder = { readonly path: PathTemplate; readonly placeholder: string };

const SECTIONS = ["SET", "REMOVE", "ADD", "DELETE"] as const;

/** update := section { section }, each of SET, REMOVE, ADD and DELETE at most once, in any order */
export const parseUpdate = remembered((cursor): UpdateTemplate => {
  const seen = new Set<string>();
  let update: UpdateTemplate = { set: [], remove: [], add: [], delete: [] };
  do {
    const section = SECTIONS.find((keyword) => takeKeyword(cursor, keyword));
    if (!section) throw syntaxError(cursor);
    if (seen.has(section))
      throw invalidExpression(
        cursor.kind,
        `The "${section}" section can only be used once in an update expression;`,
      );
    seen.add(section);
    update = { ...update, ...parseSection(cursor, section) };
  } while (peek(cursor).kind !== "end");
  return update;
});

const parseSection = (
  cursor: Cursor,
  section: (typeof SECTIONS)[number],
): Partial<UpdateTemplate> => {
  switch (section) {
    case "SET":
      return { set: commaSeparated(cursor, parseAssignment) };
    case "REMOVE":
      return { remove: commaSeparated(cursor, parsePath) };
    case "ADD":
      return { add: commaSeparated(cursor, parsePathAndPlaceholder) };
    case "DELETE":
      return { delete: commaSeparated(cursor, parsePathAndPlaceholder) };
  }
};

const parseAssignment = (cursor: Cursor) => {
  const path = parsePath(cursor);
  expectSymbol(cursor, "=");
  return { path, value: parseSetValue(cursor) };
};

const parseSetValue = (cursor: Cursor): SetTemplate => {
  if (take(cursor, "symbol", "(") !== undefined) {
    const inner = parseSetValue(cursor);
    expectSymbol(cursor, ")");
    return inner;
  }
  const left = parseOperand(cursor);
  for (const operator of ["+", "-"] as const)
    if (take(cursor, "symbol", operator) !== undefined)
      return { kind: "arithmetic", operator, operands: [left, parseOperand(cursor)] };
  return left;
};

const parsePathAndPlaceholder = (cursor: Cursor): PathAndPlaceholder => {
  const path = parsePath(cursor);
  const placeholder = take(cursor, "value");
  if (placeholder === undefined) throw syntaxError(cursor);
  return { path, placeholder };
};
