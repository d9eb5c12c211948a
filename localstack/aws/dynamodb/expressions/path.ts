import { type AttributeValue, type Item, member } from "../attribute-values.ts";
import { DEEPEST_NESTING } from "../read-values.ts";
import { isReserved } from "../reserved-words.ts";
import { type Cursor, expectSymbol, peek, syntaxError, take } from "./cursor.ts";
import { type ExpressionKind, invalidExpression } from "./expression-error.ts";
import { type Placeholders, placeholderName } from "./placeholders.ts";

/** A path as written: attribute names or `#placeholders`, and list indexes as numbers. */
export type PathTemplate = readonly (string | number)[];

/** A document path: the names and list indexes from an item's top level down. */
export type Path = readonly (string | number)[];

const HIGHEST_INDEX = 2 ** 31 - 1;

export const parsePath = (cursor: Cursor): PathTemplate => {
  const path: (string | number)[] = [parseName(cursor)];
  for (;;) {
    if (take(cursor, "symbol", ".") !== undefined) path.push(parseName(cursor));
    else if (take(cursor, "symbol", "[") !== undefined) path.push(parseIndex(cursor));
    else break;
  }
  if (path.length > DEEPEST_NESTING)
    throw invalidExpression(
      cursor.kind,
      `The document path has too many nesting levels; nesting levels: ${path.length}`,
    );
  return path;
};

const parseName = (cursor: Cursor): string => {
  const placeholder = take(cursor, "name");
  if (placeholder !== undefined) return placeholder;
  const { kind, text } = peek(cursor);
  if (kind !== "word") throw syntaxError(cursor);
  if (isReserved(text))
    throw invalidExpression(
      cursor.kind,
      `Attribute name is a reserved keyword; reserved keyword: ${text}`,
    );
  cursor.position += 1;
  return text;
};

const parseIndex = (cursor: Cursor): number => {
  const index = take(cursor, "integer");
  if (index === undefined) throw syntaxError(cursor);
  expectSymbol(cursor, "]");
  if (Number(index) > HIGHEST_INDEX)
    throw invalidExpression(
      cursor.kind,
      `List index is not within the allowable range; index: [${index}]`,
    );
  return Number(index);
};

/** The path with its placeholders replaced by the names they stand for. */
export const bindPath = (
  kind: ExpressionKind,
  template: PathTemplate,
  placeholders: Placeholders,
): Path =>
  template.map((part) =>
    typeof part === "string" && part.startsWith("#")
      ? placeholderName(kind, part, placeholders)
      : part,
  );

/** The value at the path, or undefined where the item has none. */
export const valueAt = (item: Item, path: Path): AttributeValue | undefined => {
  let value: AttributeValue | undefined = { M: item };
  for (const part of path) {
    if (value === undefined) return undefined;
    if (typeof part === "string") value = "M" in value ? member(value.M, part) : undefined;
    else value = "L" in value ? value.L[part] : undefined;
  }
  return value;
};

export const samePath = (left: Path, right: Path): boolean =>
  left.length === right.length && left.every((part, index) => part === right[index]);

/** A path as error messages show it: `[a, b, [0]]`. */
export const shownPath = (path: Path): string =>
  `[${path.map((part) => (typeof part === "number" ? `[${part}]` : part)).join(", ")}]`;

/** @throws AwsError ValidationException when one path contains another, or two take a value for a list and a map */
export const refuseOverlaps = (kind: ExpressionKind, paths: readonly Path[]): void => {
  for (const [index, path] of paths.entries())
    for (const other of paths.slice(index + 1)) refuseOverlap(kind, path, other);
};

const refuseOverlap = (kind: ExpressionKind, one: Path, two: Path): void => {
  const shorter = Math.min(one.length, two.length);
  let depth = 0;
  while (depth < shorter && one[depth] === two[depth]) depth += 1;
  const clash =
    depth === shorter
      ? "overlap"
      : typeof one[depth] !== typeof two[depth]
        ? "conflict"
        : undefined;
  if (clash)
    throw invalidExpression(
      kind,
      `Two document paths ${clash} with each other; must remove or rewrite one of these paths; path one: ${shownPath(one)}, path two: ${shownPath(two)}`,
    );
};
