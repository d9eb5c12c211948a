import {
  ATTRIBUTE_TYPES,
  type AttributeType,
  type AttributeValue,
  type Item,
} from "./attribute-values.ts";
import { invalid, invalidParameter, malformed } from "./invalid.ts";
import { canonicalNumber } from "./numbers.ts";

/** Attributes may nest this deep (Developer Guide, "Limits"). */
export const DEEPEST_NESTING = 32;

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isAttributeType = (name: string): name is AttributeType =>
  ATTRIBUTE_TYPES.some((type) => type === name);

/**
 * Reads one attribute value from the wire, with its numbers made canonical.
 *
 * @throws AwsError ValidationException or SerializationException as the service does
 */
const readValue = (input: unknown, depth = 1): AttributeValue => {
  if (!isRecord(input)) throw malformed("Unexpected value type in payload");
  if (depth > DEEPEST_NESTING)
    throw invalid(
      "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
    );
  const [type, ...others] = Object.keys(input).filter((name) => input[name] != null);
  if (type === undefined)
    throw invalid(
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    );
  if (others.length > 0)
    throw invalid(
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    );
  if (!isAttributeType(type))
    throw invalid(
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    );
  return readTyped(type, input[type], depth);
};

const readTyped = (type: AttributeType, content: unknown, depth: number): AttributeValue => {
  switch (type) {
    case "S":
      return { S: readText(content) };
    case "N":
      return { N: canonicalNumber(readText(content)) };
    case "B":
      return { B: readBinary(content) };
    case "BOOL":
      return { BOOL: readFlag(content) };
    case "NULL":
      return readNull(content);
    case "SS":
      return { SS: readSet("An string set  may not be empty", content, readText) };
    case "NS":
      return {
        NS: readSet("An number set  may not be empty", content, (element) =>
          canonicalNumber(readText(element)),
        ),
      };
    case "BS":
      return { BS: readSet("Binary sets should not be empty", content, readBinary) };
    case "L":
      return { L: readList(content).map((element) => readValue(element, depth + 1)) };
    case "M":
      return { M: readMap(content, depth + 1) };
  }
};

const readText = (content: unknown): string => {
  if (typeof content !== "string")
    throw malformed(`${describe(content)} can not be converted to a String`);
  if (!content.isWellFormed()) throw malformed("A string holds a surrogate without its other half");
  return content;
};

const readFlag = (content: unknown): boolean => {
  if (typeof content !== "boolean")
    throw malformed(`${describe(content)} can not be converted to a Boolean`);
  return content;
};

const readList = (content: unknown): readonly unknown[] => {
  if (!Array.isArray(content)) throw malformed("Unexpected value type in payload");
  return content;
};

const readBinary = (content: unknown): string => {
  const text = readText(content);
  if (Buffer.from(text, "base64").toString("base64") !== text)
    throw malformed("Invalid base64 in a binary attribute value");
  return text;
};

const readNull = (content: unknown): AttributeValue => {
  if (content !== true)
    throw invalidParameter("Null attribute value types must have the value of true");
  return { NULL: true };
};

const readSet = (
  whenEmpty: string,
  content: unknown,
  readElement: (element: unknown) => string,
): readonly string[] => {
  const elements = readList(content).map(readElement);
  if (elements.length === 0) throw invalidParameter(whenEmpty);
  if (new Set(elements).size < elements.length)
    throw invalidParameter(`Input collection [${elements.join(", ")}] contains duplicates.`);
  return elements;
};

const readMap = (content: unknown, depth: number): Item => {
  if (!isRecord(content)) throw malformed("Unexpected value type in payload");
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => {
      if (name === "") throw invalidParameter("Empty attribute name");
      return [name, readValue(value, depth)];
    }),
  );
};

/** Reads an item, a key, or any other map of attribute values by name. */
export const readItem = (input: unknown): Item => readMap(input, 1);

const describe = (content: unknown): string =>
  Array.isArray(content) || isRecord(content) ? "COLLECTION" : typeof content;
