import { spawnSync } from "node:child_process";
import {
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lockFolder } from "../../../localstack/aws/lock.ts";
import { backUp } from "../../../localstack/data-folder/backup.ts";
import { restore } from "../../../localstack/data-folder/restore.ts";
import { NOON } from "../aws/harness.ts";
import { startWriter } from "./busy.ts";
import { keptFolder, putFreeze, putSession, readKept, upTo } from "./kept.ts";

const LATER = NOON + 86_400_000;

/** A data folder of three rows, and the backup of it. */
const backedUp = async (...args: Parameters<typeof keptFolder>) => {
  const kept = await keptFolder(...args);
  const file = kept.at("backup");
  backUp({ folder: kept.data, file, now: NOON });
  const restoreTo = (folder: string, more: { file?: string; force?: boolean } = {}) =>
    restore({ folder, file, force: false, now: LATER, ...more });
  return { ...kept, file, restoreTo };
};

const sqlIn = (file: string, sql: string) => {
  const sqlite = new DatabaseSync(file);
  sqlite.exec(sql);
  sqlite.close();
};

/** What SQLite itself reads in a file of a folder, with the log beside it. */
const rowsIn = (file: string): number => {
  const sqlite = new DatabaseSync(file, { readOnly: true });
  try {
    const sql = "SELECT count(*) AS n FROM dynamodb_items_1 WHERE hash LIKE 'HOOK#row-%'";
    return Number(sqlite.prepare(sql).get()?.["n"]);
  } finally {
    sqlite.close();
  }
};

/** A data folder whose process was killed in the middle of writing, so that much is in its log only. */
const killedFolder = async (rows: number) => {
  const killed = await keptFolder();
  const writer = startWriter(killed.data);
  await writer.reaches(rows);
  await writer.kill();
  expect(statSync(join(killed.data, "lull.sqlite-wal")).size).toBeGreaterThan(0);
  return { ...killed, committed: writer.committed() };
};

describe("what is restored", () => {
  test("is frozen since the restore, with the instant of the backup, as a change that the stream tells", async () => {
    using kept = await backedUp(3);
    const fresh = kept.at("fresh");
    expect(kept.restoreTo(fresh)).toEqual({
      folder: fresh,
      at: "2026-11-22T12:00:00.000Z",
      openSessions: 0,
      putAside: null,
    });
    const { numbers, freeze, lastChange } = await readKept(fresh);
    expect(numbers).toEqual([1, 2, 3]);
    expect(freeze).toEqual({
      frozen: true,
      by: "restore",
      at: "2026-11-23T12:00:00.000Z",
      reason: "restored from the backup of 2026-11-22T12:00:00.000Z",
    });
    expect(lastChange).toMatchObject({ kind: { S: "freeze" }, by: { S: "restore" } });
  });

  test("still says why somebody had frozen the cloud when the backup was made", async () => {
    using kept = await backedUp(0, (database) => putFreeze(database, "storage outage"));
    kept.restoreTo(kept.at("fresh"));
    expect((await readKept(kept.at("fresh"))).freeze?.reason).toBe(
      "restored from the backup of 2026-11-22T12:00:00.000Z; before that frozen by ada: storage outage",
    );
  });

  test("tells how many sessions are open in it", async () => {
    using kept = await backedUp(0, (database) => {
      putSession(database, "a", "MAINTENANCE");
      putSession(database, "b", "MAINTENANCE_DONE");
    });
    expect(kept.restoreTo(kept.at("fresh")).openSessions).toBe(1);
  });

  test("may be read by its owner alone, and nothing else is left in a fresh folder", async () => {
    using kept = await backedUp(1);
    const umask = process.umask(0);
    try {
      kept.restoreTo(kept.at("fresh"));
    } finally {
      process.umask(umask);
    }
    expect(readdirSync(kept.at("fresh")).toSorted()).toEqual(["lock", "lull.sqlite"]);
    expect(statSync(join(kept.at("fresh"), "lull.sqlite")).mode & 0o777).toBe(0o600);
    expect(statSync(kept.at("fresh")).mode & 0o777).toBe(0o700);
  });

  test("may come from a folder that was copied while Lull was down: its instant is that of the file", async () => {
    using kept = await keptFolder(2);
    const file = join(kept.data, "lull.sqlite");
    utimesSync(file, NOON / 1_000, NOON / 1_000);
    const { at } = restore({ folder: kept.at("fresh"), file, force: false, now: LATER });
    expect(at).toBe("2026-11-22T12:00:00.000Z");
    expect((await readKept(kept.at("fresh"))).numbers).toEqual([1, 2]);
  });

  test("is no backup any more: copied by hand, its instant is that of the file", async () => {
    using kept = await backedUp(2);
    kept.restoreTo(kept.at("fresh"));
    const file = join(kept.at("fresh"), "lull.sqlite");
    utimesSync(file, LATER / 1_000, LATER / 1_000);
    expect(kept.restoreTo(kept.at("next"), { file }).at).toBe("2026-11-23T12:00:00.000Z");
  });

  test("may come from before layouts were noted", async () => {
    using kept = await backedUp(2);
    sqlIn(kept.file, "PRAGMA user_version = 0");
    kept.restoreTo(kept.at("fresh"));
    expect((await readKept(kept.at("fresh"))).numbers).toEqual([1, 2]);
  });
});

describe("nothing is restored, and nothing is changed, from", () => {
  const cases: readonly [string, (file: string) => void, RegExp][] = [
    ["a file that is not there", rmSync, /^there is no file /],
    [
      "a file of something else",
      (file) => writeFileSync(file, "no database at all\n".repeat(500)),
      /is not a whole database: file is not a database$/,
    ],
    ["an empty file", (file) => truncateSync(file), /is no database of Lull/],
    [
      "half a file",
      (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
      /is not a whole database/,
    ],
    [
      "a database of something else",
      (file) => {
        rmSync(file);
        sqlIn(file, "CREATE TABLE cookies (x)");
      },
      /is no database of Lull: it has no dynamodb_tables/,
    ],
    [
      "a newer layout",
      (file) => sqlIn(file, "PRAGMA user_version = 2"),
      /was written by a newer Lull \(layout 2; this one knows 1\)/,
    ],
    [
      "a database that cannot be frozen",
      (file) => sqlIn(file, "DELETE FROM dynamodb_tables"),
      /holds 0 tables instead of Lull's one$/,
    ],
    [
      "a database whose freeze cannot be stored",
      (file) => sqlIn(file, "DROP TABLE dynamodb_stream_1"),
      /no such table: dynamodb_stream_1/,
    ],
  ];
  test.each(cases)("%s", async (_what, spoil, message) => {
    using kept = await backedUp(30);
    using other = await keptFolder(7);
    spoil(kept.file);
    const before = readdirSync(other.data).toSorted();

    expect(() => kept.restoreTo(other.data, { force: true })).toThrow(message);
    expect(readdirSync(other.data).toSorted()).toEqual(before);
    const { numbers, freeze } = await readKept(other.data);
    expect({ numbers, freeze }).toEqual({ numbers: upTo(7), freeze: undefined });
  });
});

describe("nothing is restored into", () => {
  test("a folder that a process has open", async () => {
    using kept = await backedUp(1);
    const free = lockFolder(kept.data);
    expect(() => kept.restoreTo(kept.data, { force: true })).toThrow(/is in use by process \d+/);
    free();
    expect((await readKept(kept.data)).freeze).toBeUndefined();
  });

  test("a folder that holds a database, without force", async () => {
    using kept = await backedUp(1);
    expect(() => kept.restoreTo(kept.data)).toThrow(/holds a database already; with --force/);
    expect((await readKept(kept.data)).freeze).toBeUndefined();
  });

  test("a folder whose database another program reads", async () => {
    using kept = await backedUp(1);
    const reader = new DatabaseSync(join(kept.data, "lull.sqlite"), { readOnly: true });
    reader.exec("BEGIN; SELECT * FROM dynamodb_tables");
    expect(() => kept.restoreTo(kept.data, { force: true })).toThrow(/is open in another program/);
    reader.close();
    expect((await readKept(kept.data)).freeze).toBeUndefined();
  });
});

test("a folder is free again when it is restored, and when it could not be", async () => {
  using kept = await backedUp(1);
  kept.restoreTo(kept.at("fresh"));
  expect(() => kept.restoreTo(kept.at("fresh"))).toThrow(/holds a database already/);
  const free = lockFolder(kept.at("fresh"));
  free();
});

describe("with force, the database of before", () => {
  test("is kept with all that was in its log, and none of it gets into the restored one", async () => {
    using kept = await backedUp(3);
    using killed = await killedFolder(100);
    const { putAside } = kept.restoreTo(killed.data, { force: true });

    expect(putAside).toBe(join(killed.data, "lull.sqlite.before-20261123T120000.000Z"));
    expect(rowsIn(putAside ?? "")).toBeGreaterThanOrEqual(killed.committed);
    const { numbers, count } = await readKept(killed.data);
    expect({ numbers, count }).toEqual({ numbers: [1, 2, 3], count: 3 });
  });

  test("can be restored in its turn", async () => {
    using kept = await backedUp(3);
    using other = await keptFolder(7);
    const { putAside } = kept.restoreTo(other.data, { force: true });
    const file = putAside ?? "";
    restore({ folder: other.data, file, force: true, now: LATER + 1 });
    expect((await readKept(other.data)).numbers).toEqual(upTo(7));
  });

  test("is kept as it is when it is damaged, with its log", async () => {
    using kept = await backedUp(3);
    using killed = await killedFolder(100);
    const log = readFileSync(join(killed.data, "lull.sqlite-wal"));
    writeFileSync(join(killed.data, "lull.sqlite"), "what the disk has made of it\n".repeat(500));
    const { putAside } = kept.restoreTo(killed.data, { force: true });

    expect(readFileSync(putAside ?? "", "utf8")).toContain("what the disk has made of it");
    expect(readFileSync(`${putAside}-wal`).equals(log)).toBe(true);
    expect((await readKept(killed.data)).numbers).toEqual([1, 2, 3]);
  });

  test("leaves a log alone behind, and the restored one has nothing of it", async () => {
    using kept = await backedUp(3);
    using killed = await killedFolder(100);
    rmSync(join(killed.data, "lull.sqlite"));
    const { putAside } = kept.restoreTo(killed.data);

    expect(putAside).toBeNull();
    expect(readdirSync(killed.data)).toContain("lull.sqlite.before-20261123T120000.000Z-wal");
    expect((await readKept(killed.data)).numbers).toEqual([1, 2, 3]);
  });
});

test("a restore that dies before any of its changes of the disk leaves the old database or the new one", async () => {
  using kept = await backedUp(3);
  using killed = await killedFolder(100);
  const script = fileURLToPath(new URL("dying-restore.ts", import.meta.url));
  const ends = new Set<string>();
  const dies = (change: number, folder: string): boolean => {
    const args = [script, String(change), folder, kept.file];
    const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (signal !== "SIGKILL") expect({ status, stderr }).toMatchObject({ status: 0 });
    return signal === "SIGKILL";
  };
  for (let change = 1, died = true; died; change++) {
    const folder = kept.at(`died-${change}`);
    cpSync(killed.data, folder, { recursive: true });
    died = dies(change, folder);
    const { count, numbers, freeze } = await readKept(folder);
    expect(numbers, `after change ${change}`).toEqual(upTo(count));
    if (count === 3) expect(freeze?.by).toBe("restore");
    else expect(count).toBeGreaterThanOrEqual(killed.committed);
    ends.add(`${died ? "died" : "done"} ${count === 3 ? "new" : "old"}`);
    // And what is left over does not keep the next one from its work.
    kept.restoreTo(folder, { force: true });
    expect((await readKept(folder)).count).toBe(3);
    rmSync(folder, { recursive: true });
  }
  expect([...ends].toSorted()).toEqual(["died new", "died old", "done new"]);
});
