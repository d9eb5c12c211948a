import { type AttributeValue, type Item, member } from "../attribute-values.ts";
import { invalid } from "../invalid.ts";
import type { Path } from "./path.ts";

const invalidPath = () =>
  invalid("The document path provided in the update expression is invalid for update");

/** Changes one part of a list or map; undefined in and out means that there is nothing. */
type Change = (part: AttributeValue | undefined) => AttributeValue | undefined;

/**
 * The item with the value at the path; an index beyond a list's end appends.
 *
 * @throws AwsError ValidationException when the path's parent is missing or of another type
 */
export const writeAt = (item: Item, path: Path, value: AttributeValue): Item =>
  changeMap(item, path, () => value);

/**
 * The item without what the path leads to; later elements of a list move up.
 *
 * @throws AwsError ValidationException when the path's parent is missing or of another type
 */
export const removeAt = (item: Item, path: Path): Item => changeMap(item, path, () => undefined);

const changeMap = (map: Item, [name, ...rest]: Path, change: Change): Item => {
  if (typeof name !== "string") throw invalidPath();
  const part = changePart(member(map, name), rest, change);
  if (part !== undefined) return { ...map, [name]: part };
  const { [name]: _removed, ...others } = map;
  return others;
};

const changePart = (
  part: AttributeValue | undefined,
  rest: Path,
  change: Change,
): AttributeValue | undefined => {
  if (rest.length === 0) return change(part);
  if (part && "M" in part) return { M: changeMap(part.M, rest, change) };
  if (part && "L" in part) return { L: changeList(part.L, rest, change) };
  throw invalidPath();
};

const changeList = (
  list: readonly AttributeValue[],
  [index, ...rest]: Path,
  change: Change,
): readonly AttributeValue[] => {
  if (typeof index !== "number") throw invalidPath();
  const part = changePart(list[index], rest, change);
  const before = list.slice(0, index);
  const after = list.slice(index + 1);
  return part === undefined ? [...before, ...after] : [...before, part, ...after];
};
