import { closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { DataFolderError } from "./error.ts";

/** How long a reader waits for whoever repairs the log after a crash. */
const PATIENCE_MS = 5_000;

/**
 * Opens a database for reading alone: what is in its write-ahead log counts, and nothing is changed.
 *
 * @throws DataFolderError when it cannot be opened
 */
export const openToRead = (path: string): DatabaseSync => {
  try {
    return new DatabaseSync(path, { readOnly: true, timeout: PATIENCE_MS });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DataFolderError(`${path} cannot be read: ${why}`, { cause: error });
  }
};

/**
 * Writes what the database holds at this moment into one new file that only its owner may read.
 *
 * VACUUM INTO reads in one transaction, so that writers in other processes go on and what they write
 * is not in it. SQLite's online backup would begin anew after each of their commits, perhaps forever.
 */
export const writeSnapshot = (sqlite: DatabaseSync, path: string): void => {
  // An empty file is taken as it is, with its mode.
  closeSync(openSync(path, "wx", 0o600));
  sqlite.prepare("VACUUM INTO ?").run(path);
};

const stampSchema = z.object({ at: z.number() }).optional();

/** Notes in a snapshot when it was begun, in ms since the epoch. */
export const stamp = (snapshot: DatabaseSync, at: number): void => {
  snapshot.exec(`
    CREATE TABLE IF NOT EXISTS backup (at INTEGER NOT NULL) STRICT;
    DELETE FROM backup;
  `);
  snapshot.prepare("INSERT INTO backup VALUES (?)").run(at);
};

/** When the backup was begun, in ms since the epoch; that of the file for one that says nothing. */
export const stampOf = (backup: DatabaseSync, path: string): number => {
  const isStamped = backup
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'backup'")
    .get();
  const row = isStamped && stampSchema.parse(backup.prepare("SELECT at FROM backup").get());
  return row?.at ?? statSync(path).mtime.getTime();
};

/** A restored database is no backup any more. */
export const unstamp = (sqlite: DatabaseSync): void => sqlite.exec("DROP TABLE IF EXISTS backup");
