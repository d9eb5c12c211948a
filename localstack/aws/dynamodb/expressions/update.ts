import { type AttributeValue, type Item, typeOf } from "../attribute-values.ts";
import { invalid } from "../invalid.ts";
import { addNumbers } from "../numbers.ts";
import { DEEPEST_NESTING } from "../read-values.ts";
import { invalidExpression } from "./expression-error.ts";
import { type Binding, bindingOf, boundPath } from "./operand.ts";
import { type Path, refuseOverlaps, valueAt } from "./path.ts";
import { type Placeholders, placeholderValue } from "./placeholders.ts";
import { type PathAndPlaceholder, parseUpdate } from "./update-syntax.ts";
import { bindSetValue, type SetValue, wrongOperandType } from "./update-values.ts";
import { removeAt, writeAt } from "./write-path.ts";

const KIND = "UpdateExpression";

type Operation = { readonly path: Path; readonly operand: AttributeValue };

/** An update expression of one request. */
export type Update = {
  /** Every path that the update writes or removes. */
  readonly paths: readonly Path[];
  /**
   * The item after the update; every value on a right-hand side is that of the item before it.
   *
   * @throws AwsError ValidationException when the item does not have what the update needs
   */
  readonly apply: (item: Item) => Item;
};

/**
 * Parses and binds an update expression.
 *
 * @throws AwsError ValidationException for wrong syntax, undefined placeholders, overlapping paths
 *   and operands of types that are known to be wrong
 */
export const readUpdate = (source: string, placeholders: Placeholders): Update => {
  const template = parseUpdate(KIND, source);
  const binding = bindingOf(KIND, placeholders);
  const set = template.set.map(({ path, value }) => ({
    path: boundPath(binding, path),
    value: bindSetValue(binding, value),
  }));
  const remove = template.remove.map((path) => boundPath(binding, path));
  const add = template.add.map((each) => bindOperation(binding, "ADD", each));
  const del = template.delete.map((each) => bindOperation(binding, "DELETE", each));
  const paths = [...set, ...add, ...del].map(({ path }) => path).concat(remove);
  refuseOverlaps(KIND, paths);
  return { paths, apply: (item) => apply(item, set, remove, add, del) };
};

const OPERATION_TYPES = { ADD: ["N", "SS", "NS", "BS"], DELETE: ["SS", "NS", "BS"] } as const;

const TYPE_NAMES = {
  S: "STRING",
  N: "NUMBER",
  B: "BINARY",
  BOOL: "BOOLEAN",
  NULL: "NULL",
  SS: "STRING_SET",
  NS: "NUMBER_SET",
  BS: "BINARY_SET",
  L: "LIST",
  M: "MAP",
} as const;

const bindOperation = (
  binding: Binding,
  operator: "ADD" | "DELETE",
  { path, placeholder }: PathAndPlaceholder,
): Operation => {
  const operand = placeholderValue(KIND, placeholder, binding.placeholders);
  const type = typeOf(operand);
  if (!OPERATION_TYPES[operator].some((allowed) => allowed === type))
    throw invalidExpression(
      KIND,
      `Incorrect operand type for operator or function; operator: ${operator}, operand type: ${TYPE_NAMES[type]}, typeSet: ALLOWED_FOR_${operator}_OPERAND`,
    );
  return { path: boundPath(binding, path), operand };
};

const apply = (
  item: Item,
  set: readonly { readonly path: Path; readonly value: SetValue }[],
  remove: readonly Path[],
  add: readonly Operation[],
  del: readonly Operation[],
): Item => {
  const writes: { path: Path; value: AttributeValue }[] = set.map(({ path, value }) => ({
    path,
    value: value(item),
  }));
  const removals = [...remove];
  for (const { path, operand } of add)
    writes.push({ path, value: sumOf(valueAt(item, path), operand) });
  for (const { path, operand } of del) {
    const current = valueAt(item, path);
    const left = current && without(current, operand);
    if (left) writes.push({ path, value: left });
    else if (current) removals.push(path);
  }
  for (const { path, value } of writes) refuseTooDeep(path, value);
  // Elements beyond a list's end are appended in the order of their indexes.
  const written = writes
    .sort((one, two) => comparePaths(one.path, two.path))
    .reduce((result, { path, value }) => writeAt(result, path, value), item);
  // From the back, so that indexes in front keep meaning the elements they meant before.
  return removals.sort((one, two) => comparePaths(two, one)).reduce(removeAt, written);
};

const depthOf = (value: AttributeValue): number => {
  const inner = "L" in value ? value.L : "M" in value ? Object.values(value.M) : [];
  return 1 + inner.reduce((deepest, each) => Math.max(deepest, depthOf(each)), 0);
};

/** A value that may be stored by itself may still be too deep where the path leads. */
const refuseTooDeep = (path: Path, value: AttributeValue): void => {
  if (path.length > 1 && path.length - 1 + depthOf(value) > DEEPEST_NESTING)
    throw invalid(
      "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
    );
};

const comparePaths = (one: Path, two: Path): number => {
  const depth = one.findIndex((part, index) => part !== two[index]);
  const left = one[depth];
  const right = two[depth];
  if (left === undefined || right === undefined) return one.length - two.length;
  return left < right ? -1 : 1;
};

/** What ADD makes of an attribute: a sum, a union, or the operand itself where there was nothing. */
const sumOf = (current: AttributeValue | undefined, operand: AttributeValue): AttributeValue => {
  if (current === undefined) return operand;
  if ("N" in current && "N" in operand) return { N: addNumbers(current.N, operand.N) };
  if ("SS" in current && "SS" in operand) return { SS: union(current.SS, operand.SS) };
  if ("NS" in current && "NS" in operand) return { NS: union(current.NS, operand.NS) };
  if ("BS" in current && "BS" in operand) return { BS: union(current.BS, operand.BS) };
  throw wrongOperandType();
};

const union = (one: readonly string[], two: readonly string[]): readonly string[] => [
  ...new Set([...one, ...two]),
];

/** What DELETE leaves of a set; undefined when nothing is left. */
const without = (current: AttributeValue, operand: AttributeValue): AttributeValue | undefined => {
  if ("SS" in current && "SS" in operand) {
    const SS = difference(current.SS, operand.SS);
    return SS.length > 0 ? { SS } : undefined;
  }
  if ("NS" in current && "NS" in operand) {
    const NS = difference(current.NS, operand.NS);
    return NS.length > 0 ? { NS } : undefined;
  }
  if ("BS" in current && "BS" in operand) {
    const BS = difference(current.BS, operand.BS);
    return BS.length > 0 ? { BS } : undefined;
  }
  throw wrongOperandType();
};

const difference = (one: readonly string[], two: readonly string[]): readonly string[] => {
  const gone = new Set(two);
  return one.filter((element) => !gone.has(element));
};
