import * as z from "zod";
import { MalformedError } from "../domain/errors.ts";

const partsSchema = z.array(z.string());

/** The place in a list after which the next page begins, opaque to callers. */
export const encodeCursor = (...parts: readonly string[]): string =>
  Buffer.from(JSON.stringify(parts)).toString("base64url");

/**
 * @param pattern what each part must look like
 * @throws MalformedError when it is not a cursor of that list
 */
export const decodeCursor = (cursor: string, ...pattern: readonly RegExp[]): string[] => {
  const parts = partsOf(cursor);
  if (parts.length === pattern.length && pattern.every((like, n) => like.test(parts[n] ?? "")))
    return parts;
  throw new MalformedError("some fields are wrong", [
    {
      path: "cursor",
      code: "cursor_unknown",
      message: "not a cursor of this list; begin without it",
    },
  ]);
};

const partsOf = (cursor: string): string[] => {
  try {
    return partsSchema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    return [];
  }
};
