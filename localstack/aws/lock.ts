import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { resultCode, SQLITE } from "./sqlite.ts";

/** Another process has the data folder open. */
export class DataFolderInUseError extends Error {
  override readonly name = "DataFolderInUseError";
}

const ownerOf = (file: DatabaseSync): string => {
  try {
    const row = z
      .object({ pid: z.number() })
      .optional()
      .parse(file.prepare("SELECT pid FROM owner").get());
    return row ? `process ${row.pid}` : "another process";
  } catch {
    return "another process";
  }
};

/**
 * Takes the data folder for this process by a write lock on a file of its own. The operating system
 * drops the lock with the process, however that ends, so nothing has to be cleaned up after a crash.
 *
 * @returns a function that gives the folder free
 * @throws DataFolderInUseError when another process has it
 */
export const lockFolder = (folder: string): (() => void) => {
  const file = new DatabaseSync(join(folder, "lock"), { timeout: 0 });
  try {
    file.exec("CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL) STRICT");
    file.exec("BEGIN IMMEDIATE; DELETE FROM owner");
    file.prepare("INSERT INTO owner VALUES (?)").run(process.pid);
    file.exec("COMMIT; BEGIN IMMEDIATE");
  } catch (error) {
    const owner = ownerOf(file);
    file.close();
    if (resultCode(error) !== SQLITE.busy) throw error;
    throw new DataFolderInUseError(
      `${folder} is in use by ${owner}; stop it first or choose another data folder`,
      { cause: error },
    );
  }
  return () => file.close();
};
