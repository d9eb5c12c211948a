import { createHash } from "node:crypto";
import { AwsError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import { type Storage, textColumn } from "./storage.ts";

/** A transaction's ClientRequestToken makes it idempotent for this long. */
const TOKEN_MS = 10 * 60 * 1000;

export const createTokenRows = (storage: Storage): void =>
  storage.exec(`
    CREATE TABLE IF NOT EXISTS dynamodb_tokens (
      token TEXT PRIMARY KEY, request TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`);

const digest = (request: unknown): string =>
  createHash("sha256").update(JSON.stringify(request)).digest("base64");

/**
 * Whether a transaction with this token and the same actions was done in the last ten minutes.
 *
 * @throws AwsError IdempotentParameterMismatchException when its actions were others
 */
export const alreadyDone = (
  { storage, clock }: Engine,
  token: string,
  request: unknown,
): boolean => {
  const row = storage.first(
    "SELECT request FROM dynamodb_tokens WHERE token = ? AND at > ?",
    token,
    clock.now() - TOKEN_MS,
  );
  if (!row) return false;
  if (textColumn(row, 0) !== digest(request))
    throw new AwsError(
      "IdempotentParameterMismatchException",
      "The request uses the same client token as a previous, but non-identical request.",
    );
  return true;
};

export const rememberToken = (
  { storage, clock }: Engine,
  token: string,
  request: unknown,
): void => {
  storage.run(
    "INSERT OR REPLACE INTO dynamodb_tokens (token, request, at) VALUES (?, ?, ?)",
    token,
    digest(request),
    clock.now(),
  );
};

export const forgetTokens = ({ storage, clock }: Engine): void => {
  storage.run("DELETE FROM dynamodb_tokens WHERE at <= ?", clock.now() - TOKEN_MS);
};
