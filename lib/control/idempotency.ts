import { createHash } from "node:crypto";
import { InvalidError, MalformedError } from "../domain/errors.ts";
import type { ApiRequest } from "../lambda/api.ts";
import type { IdempotencyRecord, IdempotencyUse } from "../store/idempotency.ts";

const LONGEST_KEY = 255;

/** Tells one body from another, without keeping it. */
export const hashOf = (body: string | undefined): string =>
  createHash("sha256")
    .update(body ?? "")
    .digest("hex");

/** @throws MalformedError when the key is empty or too long to be one */
export const idempotencyOf = ({ headers, body, principal }: ApiRequest): IdempotencyUse | null => {
  const key = headers["idempotency-key"];
  if (key === undefined) return null;
  if (key === "" || key.length > LONGEST_KEY)
    throw new MalformedError(`Idempotency-Key must be 1 to ${LONGEST_KEY} characters long`);
  return { who: principal?.user ?? "", key, bodyHash: hashOf(body) };
};

/**
 * The id of what a request with this key made before.
 *
 * @throws InvalidError when the key was used for another request
 */
export const madeBefore = (
  before: IdempotencyRecord,
  { bodyHash }: IdempotencyUse,
  made: "session_id" | "plan_id",
): string => {
  const id = before[made];
  if (before.body_sha256 !== bodyHash || id === undefined)
    throw new InvalidError("this Idempotency-Key was used for another request", [
      { path: "Idempotency-Key", code: "key_reused", message: "take a new key for a new request" },
    ]);
  return id;
};
