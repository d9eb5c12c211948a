import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { databaseFile } from "../aws/sqlite.ts";
import { makeDurable } from "./durable.ts";
import { DataFolderError, isDamage, notWritten } from "./error.ts";
import { openKeptTable } from "./kept-table.ts";
import { openToRead, stamp, writeSnapshot } from "./snapshot.ts";
import { checkWhole } from "./whole.ts";

export type Backup = {
  readonly file: string;
  readonly bytes: number;
  /** When it was begun, RFC 3339: everything committed before is in it. */
  readonly at: string;
  readonly openSessions: number;
};

const checkIsNew = (file: string): void => {
  if (existsSync(file)) throw new DataFolderError(`${file} exists; a backup overwrites nothing`);
};

/**
 * Writes everything durable of a data folder into one new file that only its owner may read: the
 * state of one instant, whether Lull runs or not. The file is there when it is whole and checked,
 * or not at all. Credentials are not in it.
 *
 * @param now ms since the epoch
 * @throws DataFolderError, NewerLayoutError
 */
export const backUp = (where: {
  readonly folder: string;
  readonly file: string;
  readonly now: number;
}): Backup => {
  const { folder, now } = where;
  const file = resolve(where.file);
  const source = databaseFile(folder);
  if (!existsSync(source))
    throw new DataFolderError(`there is no data of Lull in ${folder}: it has no lull.sqlite`);
  checkIsNew(file);
  if (!existsSync(dirname(file))) throw new DataFolderError(`there is no folder ${dirname(file)}`);
  const draft = `${file}.part-${process.pid}`;
  try {
    copy(source, draft);
    const openSessions = complete(draft, source, now);
    makeDurable(draft);
    checkIsNew(file);
    renameSync(draft, file);
    makeDurable(dirname(file));
    return { file, bytes: statSync(file).size, at: new Date(now).toISOString(), openSessions };
  } catch (error) {
    throw notWritten(draft, error);
  } finally {
    for (const path of [draft, `${draft}-journal`]) rmSync(path, { force: true });
  }
};

const copy = (source: string, draft: string): void => {
  const sqlite = openToRead(source);
  try {
    writeSnapshot(sqlite, draft);
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new DataFolderError(`${source} is damaged: ${error}`, { cause: error });
  } finally {
    sqlite.close();
  }
};

/** Notes the instant in the copy and checks it. @returns how many sessions are open in it */
const complete = (draft: string, source: string, now: number): number => {
  const sqlite = new DatabaseSync(draft);
  try {
    stamp(sqlite, now);
    checkWhole(sqlite, source);
    return openKeptTable(sqlite, source, now).countOpenSessions();
  } finally {
    sqlite.close();
  }
};
