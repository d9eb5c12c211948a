import { type AttributeValue, type Item, member, valueSize } from "./attribute-values.ts";
import { invalid, invalidParameter } from "./invalid.ts";
import { sortableNumber } from "./numbers.ts";

export type KeyAttribute = { readonly name: string; readonly type: "S" | "N" | "B" };

/** The key of a table or an index: a hash (partition) key and perhaps a range (sort) key. */
export type KeySchema = { readonly hash: KeyAttribute; readonly range: KeyAttribute | undefined };

/**
 * A key value as SQLite stores it, in an encoding whose byte order is DynamoDB's: strings as
 * text, numbers as sortable text, binary as bytes.
 */
export type EncodedValue = string | Uint8Array;
export type EncodedKey = { readonly hash: EncodedValue; readonly range: EncodedValue };

/** Stands for the range key of a table or index without one. */
const NO_RANGE = "";

const LONGEST_HASH = 2048;
const LONGEST_RANGE = 1024;

export const keyAttributes = ({ hash, range }: KeySchema): readonly KeyAttribute[] =>
  range ? [hash, range] : [hash];

/** Encodes a value of a key attribute; undefined when it has another type than the schema says. */
const encodeValue = (value: AttributeValue): EncodedValue | undefined => {
  if ("S" in value) return value.S;
  if ("N" in value) return sortableNumber(value.N);
  if ("B" in value) return Buffer.from(value.B, "base64");
  return undefined;
};

/** Whether a string or binary is empty, which no key attribute may be. */
export const isEmpty = (value: AttributeValue): boolean =>
  ("S" in value && value.S === "") || ("B" in value && value.B === "");

/** @throws AwsError ValidationException when the value is empty or longer than `longest` bytes */
export const encodeChecked = (
  { name }: KeyAttribute,
  value: AttributeValue,
  longest: number,
): EncodedValue => {
  if (isEmpty(value))
    throw invalid(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
    );
  if (valueSize(value) > longest)
    throw invalidParameter(
      longest === LONGEST_HASH
        ? `Size of hashkey has exceeded the maximum size limit of${LONGEST_HASH} bytes`
        : `Aggregated size of all range keys has exceeded the size limit of ${LONGEST_RANGE} bytes`,
    );
  const encoded = encodeValue(value);
  if (encoded === undefined) throw keyMismatch();
  return encoded;
};

const keyMismatch = () => invalid("The provided key element does not match the schema");

const encode = (
  schema: KeySchema,
  item: Item,
  valueOfKey: (item: Item, attribute: KeyAttribute) => AttributeValue,
): EncodedKey => ({
  hash: encodeChecked(schema.hash, valueOfKey(item, schema.hash), LONGEST_HASH),
  range: schema.range
    ? encodeChecked(schema.range, valueOfKey(item, schema.range), LONGEST_RANGE)
    : NO_RANGE,
});

/**
 * The encoded primary key of an item that is to be stored.
 *
 * @throws AwsError ValidationException when a key attribute is missing, of the wrong type, empty or too long
 */
export const itemKey = (schema: KeySchema, item: Item): EncodedKey =>
  encode(schema, item, (from, { name, type }) => {
    const value = member(from, name);
    if (value === undefined) throw invalidParameter(`Missing the key ${name} in the item`);
    if (!(type in value))
      throw invalidParameter(
        `Type mismatch for key ${name} expected: ${type} actual: ${Object.keys(value).join()}`,
      );
    return value;
  });

/**
 * Encodes a `Key` parameter, which must hold exactly the key attributes.
 *
 * @throws AwsError ValidationException when it does not
 */
export const parameterKey = (schema: KeySchema, key: Item): EncodedKey => {
  if (Object.keys(key).length !== keyAttributes(schema).length) throw keyMismatch();
  return encode(schema, key, (from, { name, type }) => {
    const value = member(from, name);
    if (value === undefined || !(type in value)) throw keyMismatch();
    return value;
  });
};

/** The key attributes of an item by themselves. */
export const keyOf = (schema: KeySchema, item: Item): Item =>
  Object.fromEntries(
    keyAttributes(schema).flatMap(({ name }) => {
      const value = member(item, name);
      return value ? [[name, value] as const] : [];
    }),
  );

/**
 * The encoded index key of an item, or undefined when it lacks one of the attributes and so is not
 * in the index. The item has passed `checkIndexKeys`.
 */
export const indexKey = ({ hash, range }: KeySchema, item: Item): EncodedKey | undefined => {
  const first = encodeMember(hash, item);
  const second = range ? encodeMember(range, item) : NO_RANGE;
  return first === undefined || second === undefined ? undefined : { hash: first, range: second };
};

const encodeMember = ({ name, type }: KeyAttribute, item: Item): EncodedValue | undefined => {
  const value = member(item, name);
  return value && type in value ? encodeValue(value) : undefined;
};

/** How many bytes a value of the key attribute may have. */
export const longestKey = (schema: KeySchema, attribute: KeyAttribute): number =>
  attribute === schema.hash ? LONGEST_HASH : LONGEST_RANGE;
