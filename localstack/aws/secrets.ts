import { randomInt } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { AwsError } from "./errors.ts";
import { readPrivate, writePrivate } from "./private-file.ts";
import type { GeneratedSecretModel } from "./template/model.ts";
import { ACCOUNT_ID } from "./template/scope.ts";

const fileSchema = z.record(z.string(), z.string());
const requestSchema = z.strictObject({
  SecretId: z.string().min(1).max(2_048),
  VersionStage: z.literal("AWSCURRENT").optional(),
});

const NAME_IN_ARN = /^arn:aws:secretsmanager:[^:]+:\d{12}:secret:(.+)-\w{6}$/;

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const generated = (length: number): string =>
  Array.from({ length }, () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)]).join("");

/**
 * Secrets Manager's GetSecretValue over `secrets.json`, a map of name to SecretString, read at each
 * call. What is to be generated is, unless it is there.
 */
export const secretsApi = (options: {
  folder: string;
  secrets: Readonly<Record<string, string>>;
  generate: readonly GeneratedSecretModel[];
  region: string;
  now: () => number;
}) => {
  const path = join(options.folder, "secrets.json");
  const read = () => fileSchema.parse(readPrivate(path) ?? {});
  const made = options.generate.map(({ name, length }) => [name, generated(length)]);
  writePrivate(path, { ...Object.fromEntries(made), ...read(), ...options.secrets });

  return (operation: string, input: unknown): unknown => {
    if (operation !== "GetSecretValue")
      throw new AwsError(
        "UnknownOperationException",
        `the embedded stack does not implement secretsmanager.${operation}`,
      );
    const parsed = requestSchema.safeParse(input);
    if (!parsed.success)
      throw new AwsError("InvalidParameterException", z.prettifyError(parsed.error));
    const { SecretId } = parsed.data;
    const name = NAME_IN_ARN.exec(SecretId)?.[1] ?? SecretId;
    const secrets = read();
    const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (value === undefined)
      throw new AwsError(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
      );
    return {
      ARN: `arn:aws:secretsmanager:${options.region}:${ACCOUNT_ID}:secret:${name}-000000`,
      Name: name,
      VersionId: "00000000-0000-4000-8000-000000000000",
      VersionStages: ["AWSCURRENT"],
      SecretString: value,
      CreatedDate: options.now() / 1_000,
    };
  };
};
