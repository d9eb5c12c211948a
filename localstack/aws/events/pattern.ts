import { isRecord } from "../template/intrinsics.ts";

/** An event pattern uses something outside the implemented subset. */
export class EventPatternError extends Error {
  override readonly name = "EventPatternError";
}

type Test = (values: readonly unknown[]) => boolean;

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ["string", "number", "boolean"].includes(typeof value);

const startsWith = (prefix: string) => (value: unknown) =>
  typeof value === "string" && value.startsWith(prefix);

const anythingBut = (argument: unknown, where: string): Test => {
  const prefix = isRecord(argument) ? argument["prefix"] : undefined;
  if (isRecord(argument) && Object.keys(argument).length === 1 && typeof prefix === "string")
    return (values) => values.some((value) => !startsWith(prefix)(value));
  const refused: readonly unknown[] = Array.isArray(argument) ? argument : [argument];
  if (!refused.every((value) => typeof value === "string" || typeof value === "number"))
    throw new EventPatternError(`${where}: anything-but takes texts, numbers or one prefix`);
  const unwanted = new Set<unknown>(refused);
  return (values) => values.some((value) => !unwanted.has(value));
};

const matcher = (given: unknown, where: string): Test => {
  if (isScalar(given)) return (values) => values.includes(given);
  const [[kind, argument] = ["", undefined], ...others] = isRecord(given)
    ? Object.entries(given)
    : [];
  if (others.length === 0) {
    if (kind === "prefix" && typeof argument === "string")
      return (values) => values.some(startsWith(argument));
    if (kind === "exists" && typeof argument === "boolean")
      return (values) => values.length > 0 === argument;
    if (kind === "anything-but") return anythingBut(argument, where);
  }
  throw new EventPatternError(
    `${where}: the embedded stack has no matcher ${JSON.stringify(given)}`,
  );
};

const leaf = (matchers: readonly unknown[], where: string) => {
  if (matchers.length === 0) throw new EventPatternError(`${where}: an empty list matches nothing`);
  const tests = matchers.map((given) => matcher(given, where));
  return (value: unknown) => {
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return tests.some((test) => test(values));
  };
};

/**
 * Compiles an event pattern: exact values, `prefix`, `anything-but` (also of a prefix), `exists`,
 * at any depth. A list in the event matches when one of its members does.
 *
 * @throws EventPatternError for any other matcher
 */
export const compilePattern = (
  pattern: unknown,
  where = "pattern",
): ((event: unknown) => boolean) => {
  if (!isRecord(pattern)) throw new EventPatternError(`${where}: must be an object`);
  const fields = Object.entries(pattern).map(([name, wanted]) => {
    const path = `${where}.${name}`;
    return [
      name,
      Array.isArray(wanted) ? leaf(wanted, path) : compilePattern(wanted, path),
    ] as const;
  });
  return (event) => fields.every(([name, test]) => test(isRecord(event) ? event[name] : undefined));
};
