import { UsageError } from "./exit.ts";
import { didYouMean } from "./suggest.ts";

/** Reads what a rule is set to; the name is for the message. @throws UsageError */
type Rule = (text: string, name: string) => unknown;

const seconds: Rule = (text, name) => {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 86_400) return Number(text);
  throw new UsageError(`--dialogue: ${name} is a whole number from 1 to 86400, not "${text}"`);
};

const oneOf =
  (words: readonly string[]): Rule =>
  (text, name) => {
    const word = words.find((known) => known.toLowerCase() === text.toLowerCase());
    if (word !== undefined) return word;
    throw new UsageError(
      `--dialogue: ${name} is one of ${words.join(", ")}, not "${text}"${didYouMean(text, words)}`,
    );
  };

const yesOrNo: Rule = (text, name) => oneOf(["yes", "no"])(text, name) === "yes";

const action = oneOf(["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"]);

const actions: Rule = (text, name) =>
  text === "none" ? [] : [...new Set(text.split(",").map((one) => action(one.trim(), name)))];

/** Those of the API, by name. */
const RULES: Readonly<Record<string, Rule>> = {
  allowed_actions: actions,
  reply_seconds: seconds,
  scale_seconds: seconds,
  silent: oneOf(["live", "skip"]),
  not_reached: oneOf(["live", "skip"]),
  refused: oneOf(["defer", "skip", "stop"]),
  scale_in: yesOrNo,
};

/**
 * Rules of the dialogue as the API takes them.
 *
 * @param given name and value as they were written
 * @throws UsageError for a rule that does not exist, or a value that it cannot have
 */
export const dialogueFrom = (
  given: readonly (readonly [name: string, text: string])[],
): Record<string, unknown> =>
  Object.fromEntries(
    given.map(([name, text]) => {
      const rule = RULES[name];
      if (rule) return [name, rule(text, name)];
      const known = Object.keys(RULES);
      throw new UsageError(
        `--dialogue: there is no rule ${name}${didYouMean(name, known) || `; there are ${known.join(", ")}`}`,
      );
    }),
  );

const valueText = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(",") || "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
};

/** The rules as they are written on the command line. */
export const dialogueText = (rules: Readonly<Record<string, unknown>>): string =>
  Object.entries(rules)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(" ");
