import { existsSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { lockFolder } from "../aws/lock.ts";
import { databaseFile, resultCode, SQLITE } from "../aws/sqlite.ts";
import { makeDurable } from "./durable.ts";
import { DataFolderError, isDamage, notWritten } from "./error.ts";
import { openKeptTable } from "./kept-table.ts";
import { openToRead, stampOf, unstamp, writeSnapshot } from "./snapshot.ts";
import { checkWhole } from "./whole.ts";

export type Restored = {
  readonly folder: string;
  /** When the backup was begun, RFC 3339. */
  readonly at: string;
  readonly openSessions: number;
  /** Where the database lies that was there before; null = there was none. */
  readonly putAside: string | null;
};

/** What SQLite keeps beside a database, and would apply to whatever has its name. */
const SIDE_FILES = ["-wal", "-shm", "-journal"];

/**
 * Makes the data folder what it was when the backup was begun, with the cloud frozen: what Lull knows
 * is older than the cloud now, so nothing is begun until an admin has looked and thaws.
 *
 * A death at any point leaves the database of before or the restored one, whole and under its name.
 *
 * @param force replaces the database that is there, which is kept under a name with the instant
 * @param now ms since the epoch
 * @throws DataFolderError, NewerLayoutError, DataFolderInUseError when a process has the folder
 */
export const restore = (order: {
  readonly folder: string;
  readonly file: string;
  readonly force: boolean;
  readonly now: number;
}): Restored => {
  const { folder, file, force, now } = order;
  if (!existsSync(file)) throw new DataFolderError(`there is no file ${file}`);
  const backup = openToRead(file);
  try {
    checkWhole(backup, file);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const free = lockFolder(folder);
    try {
      return replace({ backup, at: stampOf(backup, file), folder, force, now });
    } finally {
      free();
    }
  } finally {
    backup.close();
  }
};

type Replacement = {
  readonly backup: DatabaseSync;
  readonly at: number;
  readonly folder: string;
  readonly force: boolean;
  readonly now: number;
};

const replace = ({ backup, at, folder, force, now }: Replacement): Restored => {
  const place = databaseFile(folder);
  if (existsSync(place) && !force)
    throw new DataFolderError(
      `${folder} holds a database already; with --force it is put aside, not deleted`,
    );
  const draft = `${place}.restoring`;
  const removeDraft = () => {
    for (const path of [draft, `${draft}-journal`]) rmSync(path, { force: true });
  };
  removeDraft();
  try {
    const instant = new Date(at).toISOString();
    const openSessions = prepare(backup, draft, instant, now);
    makeDurable(draft);
    settle(place);
    const putAside = keepAside(place, now);
    renameSync(draft, place);
    makeDurable(folder);
    return { folder, at: instant, openSessions, putAside };
  } catch (error) {
    throw notWritten(draft, error);
  } finally {
    removeDraft();
  }
};

/** Writes the database that is to be, frozen. @returns how many sessions are open in it */
const prepare = (backup: DatabaseSync, draft: string, at: string, now: number): number => {
  writeSnapshot(backup, draft);
  const sqlite = new DatabaseSync(draft);
  try {
    unstamp(sqlite);
    const table = openKeptTable(sqlite, draft, now);
    table.freeze("restore", `restored from the backup of ${at}`);
    checkWhole(sqlite, draft);
    return table.countOpenSessions();
  } finally {
    sqlite.close();
  }
};

/**
 * Brings what is in the log of the database into the database, after which it is one file. A damaged
 * one stays as it is: who opens it for writing may lose its log.
 *
 * @throws DataFolderError when another program has it open
 */
const settle = (place: string): void => {
  if (!existsSync(place) || !isReadable(place)) return;
  const sqlite = new DatabaseSync(place, { timeout: 0 });
  try {
    sqlite.exec("PRAGMA journal_mode = DELETE");
  } catch (error) {
    if (resultCode(error) !== SQLITE.busy) throw error;
    throw new DataFolderError(`${place} is open in another program, perhaps a backup: end it`, {
      cause: error,
    });
  } finally {
    sqlite.close();
  }
};

const isReadable = (place: string): boolean => {
  const sqlite = openToRead(place);
  try {
    sqlite.prepare("SELECT count(*) FROM sqlite_schema").get();
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  } finally {
    sqlite.close();
  }
};

/**
 * Gives the database of before a second name, so that there is never none. Side files that `settle`
 * has left belong to a database that is damaged or gone, and go with it.
 *
 * @returns the name; null when there is no database
 */
const keepAside = (place: string, now: number): string | null => {
  const aside = `${place}.before-${new Date(now).toISOString().replaceAll(/[-:]/g, "")}`;
  const isThere = existsSync(place);
  if (isThere) linkSync(place, aside);
  for (const suffix of SIDE_FILES)
    if (existsSync(place + suffix)) renameSync(place + suffix, aside + suffix);
  return isThere ? aside : null;
};
