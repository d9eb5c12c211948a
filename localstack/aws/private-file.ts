import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

/** A file with secrets can be read by others than its owner. */
export class ReadableByOthersError extends Error {
  override readonly name = "ReadableByOthersError";
}

/**
 * Reads a JSON file that only its owner may read; undefined when there is none.
 *
 * @throws ReadableByOthersError when group or others may read it
 */
export const readPrivate = (path: string): unknown => {
  if (!existsSync(path)) return undefined;
  if ((statSync(path).mode & 0o077) !== 0)
    throw new ReadableByOthersError(`${path} is readable by others; run: chmod 600 ${path}`);
  return JSON.parse(readFileSync(path, "utf8"));
};

/** Writes a JSON file that only its owner may read, all of it or nothing. */
export const writePrivate = (path: string, content: unknown) => {
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
};
