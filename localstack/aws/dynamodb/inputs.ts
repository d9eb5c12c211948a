import { invalid, malformed } from "./invalid.ts";
import { isRecord } from "./read-values.ts";

/** The members of one request, names checked, values not yet. */
export type Input = Readonly<Record<string, unknown>>;

/** Parameters from before expressions; AWS still takes them, this database never did. */
const LEGACY: ReadonlySet<string> = new Set([
  "AttributesToGet",
  "AttributeUpdates",
  "ConditionalOperator",
  "Expected",
  "KeyConditions",
  "QueryFilter",
  "ScanFilter",
]);

/**
 * The request as members of the given names; members that are null count as absent.
 *
 * @throws AwsError ValidationException for a member that is not among them
 */
export const readMembers = (input: unknown, known: ReadonlySet<string>): Input => {
  if (!isRecord(input)) throw malformed("Start of structure or map found where not expected.");
  for (const name of Object.keys(input))
    if (!known.has(name) && input[name] != null)
      throw invalid(
        LEGACY.has(name)
          ? `${name} is a legacy parameter and not supported; use an expression`
          : `Unknown or unsupported parameter: ${name}`,
      );
  return input;
};

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

const violation = (name: string, value: unknown, constraint: string) =>
  invalid(
    `1 validation error detected: Value ${value === undefined ? "null" : `'${String(value)}'`} at '${lowerFirst(name)}' failed to satisfy constraint: ${constraint}`,
  );

/** @throws AwsError ValidationException when the member is absent */
export const required = <T>(name: string, value: T | null | undefined): T => {
  if (value == null) throw violation(name, undefined, "Member must not be null");
  return value;
};

export const optionalText = (input: Input, name: string): string | undefined => {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== "string")
    throw malformed(`${typeof value} can not be converted to a String`);
  return value;
};

export const optionalFlag = (input: Input, name: string): boolean | undefined => {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== "boolean")
    throw malformed(`${typeof value} can not be converted to a Boolean`);
  return value;
};

/** A whole number of at least 1. */
export const optionalCount = (input: Input, name: string): number | undefined => {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value))
    throw malformed(`${typeof value} can not be converted to an Integer`);
  if (value < 1) throw violation(name, value, "Member must have value greater than or equal to 1");
  return value;
};

/** One of the given words; the first of them when the member is absent. */
export const choice = <T extends string>(
  input: Input,
  name: string,
  words: readonly [T, ...T[]],
): T => {
  const value = optionalText(input, name);
  if (value === undefined) return words[0];
  const found = words.find((word) => word === value);
  if (found === undefined)
    throw violation(name, value, `Member must satisfy enum value set: [${words.join(", ")}]`);
  return found;
};

/** A list of at least one and at most `most` elements. */
export const requiredList = (input: Input, name: string, most: number): readonly unknown[] => {
  const value = required(name, input[name]);
  if (!Array.isArray(value)) throw malformed("Unexpected value type in payload");
  if (value.length === 0)
    throw violation(name, "[]", "Member must have length greater than or equal to 1");
  if (value.length > most)
    throw violation(name, "[...]", `Member must have length less than or equal to ${most}`);
  return value;
};

/** Checks the parameters that ask for figures which this database does not keep. */
export const readIgnored = (input: Input): void => {
  choice(input, "ReturnConsumedCapacity", ["NONE", "INDEXES", "TOTAL"]);
  choice(input, "ReturnItemCollectionMetrics", ["NONE", "SIZE"]);
};

const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

export const readTableName = (input: Input): string => {
  const name = required("TableName", optionalText(input, "TableName"));
  if (!TABLE_NAME.test(name))
    throw violation(
      "TableName",
      name,
      "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+, and have length between 3 and 255",
    );
  return name;
};
