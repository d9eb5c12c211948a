import { createHash } from "node:crypto";
import { InvalidError, MalformedError } from "../domain/errors.ts";
import type { ApiRequest, Reply } from "../lambda/api.ts";
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

/** @throws InvalidError when the key was used for another body */
export const repeated = (before: IdempotencyRecord, { bodyHash }: IdempotencyUse): Reply => {
  if (before.body_sha256 !== bodyHash)
    throw new InvalidError("this Idempotency-Key was used for another request", [
      { path: "Idempotency-Key", code: "key_reused", message: "take a new key for a new request" },
    ]);
  return { status: 200, body: { session_id: before.session_id } };
};
