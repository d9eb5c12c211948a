import { type ExpressionKind, invalidExpression } from "./expression-error.ts";

/** Longest expression in bytes (Developer Guide, "Quotas": expression parameters). */
const LONGEST_EXPRESSION = 4096;

type TokenKind = "word" | "name" | "value" | "integer" | "symbol" | "unknown" | "end";
type Token = { readonly kind: TokenKind; readonly text: string; readonly at: number };

/** A place in a tokenized expression; the parsers read from it and move it. */
export type Cursor = {
  readonly kind: ExpressionKind;
  readonly source: string;
  readonly tokens: readonly Token[];
  position: number;
};

const TOKEN =
  /\s*(?:(?<word>[A-Za-z][A-Za-z0-9_]*)|(?<name>#[A-Za-z0-9_]+)|(?<value>:[A-Za-z0-9_]+)|(?<integer>\d+)|(?<symbol><>|<=|>=|[=<>()[\].,+-])|(?<unknown>\S))/y;
const KINDS = ["word", "name", "value", "integer", "symbol", "unknown"] as const;

const tokenize = (source: string): readonly Token[] => {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  for (let match = pattern.exec(source); match; match = pattern.exec(source)) {
    const groups = match.groups ?? {};
    const kind = KINDS.find((candidate) => groups[candidate] !== undefined) ?? "unknown";
    const text = groups[kind] ?? "";
    tokens.push({ kind, text, at: pattern.lastIndex - text.length });
  }
  return [...tokens, { kind: "end", text: "<EOF>", at: source.length }];
};

/** Most operators and functions in one expression (Developer Guide, "Quotas"). */
const MOST_OPERATORS = 300;
const KEYWORD_OPERATORS = new Set(["AND", "OR", "NOT", "IN", "BETWEEN"]);
const SYMBOL_OPERATORS = new Set(["=", "<>", "<", "<=", ">", ">=", "+", "-"]);

/** Whether the token is an operator or calls a function; the equals sign of SET is neither. */
const isOperator = (kind: ExpressionKind, token: Token, next: Token | undefined): boolean => {
  if (token.kind === "symbol")
    return SYMBOL_OPERATORS.has(token.text) && !(kind === "UpdateExpression" && token.text === "=");
  return (
    token.kind === "word" && (KEYWORD_OPERATORS.has(token.text.toUpperCase()) || next?.text === "(")
  );
};

const refuseTooManyOperators = (kind: ExpressionKind, tokens: readonly Token[]): void => {
  const operators = tokens.filter((token, index) => isOperator(kind, token, tokens[index + 1]));
  // Each BETWEEN brought an AND that is no operator.
  const betweens = operators.filter(({ text }) => text.toUpperCase() === "BETWEEN").length;
  const count = operators.length - betweens;
  if (count > MOST_OPERATORS)
    throw invalidExpression(
      kind,
      `The expression contains too many operators; operator count: ${count}`,
    );
};

/** @throws AwsError ValidationException when the expression is empty, too long, or has too many operators */
export const openCursor = (kind: ExpressionKind, source: string): Cursor => {
  const size = Buffer.byteLength(source);
  if (size > LONGEST_EXPRESSION)
    throw invalidExpression(
      kind,
      `Expression size has exceeded the maximum allowed size; expression size: ${size}`,
    );
  const tokens = tokenize(source);
  if (tokens.length === 1) throw invalidExpression(kind, "The expression can not be empty;");
  refuseTooManyOperators(kind, tokens);
  return { kind, source, tokens, position: 0 };
};

const END: Token = { kind: "end", text: "<EOF>", at: 0 };

const tokenAt = (cursor: Cursor, position: number): Token =>
  cursor.tokens[Math.min(position, cursor.tokens.length - 1)] ?? END;

export const peek = (cursor: Cursor): Token => tokenAt(cursor, cursor.position);

/** Moves past the token of that kind and answers its text, or answers undefined. */
export const take = (cursor: Cursor, kind: TokenKind, text?: string): string | undefined => {
  const token = peek(cursor);
  if (token.kind !== kind || (text !== undefined && token.text !== text)) return undefined;
  cursor.position += 1;
  return token.text;
};

/** Keywords are words in any case: AND, BETWEEN, SET. */
export const takeKeyword = (cursor: Cursor, keyword: string): boolean => {
  const token = peek(cursor);
  if (token.kind !== "word" || token.text.toUpperCase() !== keyword) return false;
  cursor.position += 1;
  return true;
};

export const expectKeyword = (cursor: Cursor, keyword: string): void => {
  if (!takeKeyword(cursor, keyword)) throw syntaxError(cursor);
};

export const expectSymbol = (cursor: Cursor, symbol: string): void => {
  if (take(cursor, "symbol", symbol) === undefined) throw syntaxError(cursor);
};

export const expectEnd = (cursor: Cursor): void => {
  if (peek(cursor).kind !== "end") throw syntaxError(cursor);
};

/** A word directly before a parenthesis calls a function. */
export const atCall = (cursor: Cursor): boolean =>
  peek(cursor).kind === "word" && tokenAt(cursor, cursor.position + 1).text === "(";

/** Names the token at the cursor and shows its neighbours, as the service does. */
export const syntaxError = (cursor: Cursor) => {
  const token = peek(cursor);
  const from = tokenAt(cursor, Math.max(0, cursor.position - 1)).at;
  const next = tokenAt(cursor, cursor.position + 1);
  const until = next.kind === "end" ? cursor.source.length : next.at + next.text.length;
  const near = cursor.source.slice(from, until).trim();
  return invalidExpression(cursor.kind, `Syntax error; token: "${token.text}", near: "${near}"`);
};

/** Reads one thing or more, separated by commas. */
export const commaSeparated = <T>(cursor: Cursor, parse: (cursor: Cursor) => T): readonly T[] => {
  const parsed = [parse(cursor)];
  while (take(cursor, "symbol", ",") !== undefined) parsed.push(parse(cursor));
  return parsed;
};
