import { compareNumbers, numberSize } from "./numbers.ts";

/** A value as DynamoDB's JSON protocol writes it. Numbers are canonical, binary is base64. */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: AttributeMap };

export type AttributeMap = Readonly<Record<string, AttributeValue>>;

/** An item is its top-level attributes by name. */
export type Item = AttributeMap;

export const ATTRIBUTE_TYPES = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"] as const;
export type AttributeType = (typeof ATTRIBUTE_TYPES)[number];

/** The member of that name, never one that the object inherits. */
export const member = (map: AttributeMap, name: string): AttributeValue | undefined =>
  Object.hasOwn(map, name) ? map[name] : undefined;

export const typeOf = (value: AttributeValue): AttributeType => {
  for (const type of ATTRIBUTE_TYPES) if (type in value) return type;
  throw new TypeError(`no attribute value: ${JSON.stringify(value)}`);
};

const utf8Length = (text: string): number => Buffer.byteLength(text, "utf8");

const binaryLength = (base64: string): number => Buffer.byteLength(base64, "base64");

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** A list or map costs 3 bytes, and each of its elements 1 more. */
const CONTAINER_BYTES = 3;

/** Bytes that DynamoDB counts for a value (Developer Guide, "DynamoDB item sizes and formats"). */
export const valueSize = (value: AttributeValue): number => {
  if ("S" in value) return utf8Length(value.S);
  if ("N" in value) return numberSize(value.N);
  if ("B" in value) return binaryLength(value.B);
  if ("SS" in value) return sum(value.SS.map(utf8Length));
  if ("NS" in value) return sum(value.NS.map(numberSize));
  if ("BS" in value) return sum(value.BS.map(binaryLength));
  if ("L" in value) return CONTAINER_BYTES + sum(value.L.map((element) => valueSize(element) + 1));
  if ("M" in value) return CONTAINER_BYTES + itemSize(value.M) + Object.keys(value.M).length;
  return 1;
};

/** Bytes that DynamoDB counts for an item: names and values. */
export const itemSize = (item: Item): number => {
  let size = 0;
  for (const [name, value] of Object.entries(item)) size += utf8Length(name) + valueSize(value);
  return size;
};

const sameElements = (left: readonly string[], right: readonly string[]): boolean => {
  if (left.length !== right.length) return false;
  const members = new Set(left);
  return right.every((element) => members.has(element));
};

/** Equality as conditions see it: same type, numbers by value, sets without order, deep. */
export const sameValue = (left: AttributeValue, right: AttributeValue): boolean => {
  if ("S" in left) return "S" in right && left.S === right.S;
  if ("N" in left) return "N" in right && left.N === right.N;
  if ("M" in left) return "M" in right && sameItem(left.M, right.M);
  if ("L" in left) return "L" in right && sameList(left.L, right.L);
  if ("B" in left) return "B" in right && left.B === right.B;
  if ("BOOL" in left) return "BOOL" in right && left.BOOL === right.BOOL;
  if ("NULL" in left) return "NULL" in right;
  return sameSets(left, right);
};

type SetValue = Extract<AttributeValue, { SS: unknown } | { NS: unknown } | { BS: unknown }>;

const sameSets = (left: SetValue, right: AttributeValue): boolean => {
  if ("SS" in left) return "SS" in right && sameElements(left.SS, right.SS);
  if ("NS" in left) return "NS" in right && sameElements(left.NS, right.NS);
  return "BS" in right && sameElements(left.BS, right.BS);
};

const sameList = (left: readonly AttributeValue[], right: readonly AttributeValue[]): boolean =>
  left.length === right.length &&
  left.every((value, index) => {
    const other = right[index];
    return other !== undefined && sameValue(value, other);
  });

export const sameItem = (left: Item, right: Item): boolean => {
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => {
      const value = member(left, name);
      const other = member(right, name);
      return value !== undefined && other !== undefined && sameValue(value, other);
    })
  );
};

/**
 * Order of two strings, numbers or binaries of one type: below, at or above 0. Undefined when the
 * types differ or have no order. Strings compare by their UTF-8 bytes.
 */
export const compareValues = (left: AttributeValue, right: AttributeValue): number | undefined => {
  if ("S" in left && "S" in right) return compareTexts(left.S, right.S);
  if ("N" in left && "N" in right) return compareNumbers(left.N, right.N);
  if ("B" in left && "B" in right)
    return Buffer.compare(Buffer.from(left.B, "base64"), Buffer.from(right.B, "base64"));
  return undefined;
};

const ONE_BYTE_ONLY = /^[\0-\x7f]*$/;

const compareTexts = (left: string, right: string): number => {
  if (left === right) return 0;
  // UTF-16 order, which is cheaper, differs only between surrogates and what lies above them.
  if (ONE_BYTE_ONLY.test(left) && ONE_BYTE_ONLY.test(right)) return left < right ? -1 : 1;
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
};
