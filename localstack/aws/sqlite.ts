import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";

/** FULL survives power loss, NORMAL survives the death of the process (SQLite, "PRAGMA synchronous"). */
export type Durability = "FULL" | "NORMAL";

/** The file was written by a newer Lull than this one. */
class NewerLayoutError extends Error {
  override readonly name = "NewerLayoutError";
}

/**
 * Layout of the file, kept in it as `user_version`; 0 = from before it was kept, and the same as 1.
 * To be raised with each change that makes older code misread what is in the file.
 */
const LAYOUT = 1;

/** The one file that holds everything durable of a data folder. */
export const databaseFile = (folder: string): string => join(folder, "lull.sqlite");

const layoutOf = (sqlite: DatabaseSync): number =>
  z.object({ user_version: z.number() }).parse(sqlite.prepare("PRAGMA user_version").get())
    .user_version;

/** @throws NewerLayoutError when this code cannot know what is in the file */
export const checkLayout = (sqlite: DatabaseSync, path: string): void => {
  const layout = layoutOf(sqlite);
  if (layout > LAYOUT)
    throw new NewerLayoutError(
      `${path} was written by a newer Lull (layout ${layout}; this one knows ${LAYOUT}): use that one`,
    );
};

/**
 * Opens the one file that holds everything durable.
 *
 * @throws NewerLayoutError
 */
export const openFile = (path: string, durability: Durability): DatabaseSync => {
  const sqlite = new DatabaseSync(path);
  try {
    checkLayout(sqlite, path);
    sqlite.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability};
      PRAGMA temp_store = MEMORY;
    `);
    if (layoutOf(sqlite) < LAYOUT) sqlite.exec(`PRAGMA user_version = ${LAYOUT}`);
    return sqlite;
  } catch (error) {
    sqlite.close();
    throw error;
  }
};

/** SQLite's primary result code in an error of `node:sqlite`; undefined for any other error. */
export const resultCode = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;

/** Result codes that mean something to us (SQLite, "Result Codes"). */
export const SQLITE = { busy: 5, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** Runs `act` as one transaction; it must be synchronous and must not start another one. */
export const transaction = <T>(sqlite: DatabaseSync, act: () => T): T => {
  sqlite.exec("BEGIN IMMEDIATE");
  try {
    const result = act();
    sqlite.exec("COMMIT");
    return result;
  } catch (error) {
    sqlite.exec("ROLLBACK");
    throw error;
  }
};
