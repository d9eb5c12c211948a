import { spawnSync } from "node:child_process";
import {
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { backUp } from "../../../localstack/data-folder/backup.ts";
import { restore } from "../../../localstack/data-folder/restore.ts";
import { NOON, temporaryFolder } from "../aws/harness.ts";
import { startWriter } from "./busy.ts";
import { keptFolder, putSession, readKept, upTo } from "./kept.ts";

/** What a stack finds that starts on the backup. */
const readBackup = async (file: string) => {
  using fresh = temporaryFolder();
  const folder = join(fresh.folder, "data");
  restore({ folder, file, force: false, now: NOON });
  return await readKept(folder);
};

describe("a backup", () => {
  test("of a stack that is written to has what was committed up to one instant, and holds nobody up", async () => {
    using kept = await keptFolder(1);
    const writer = startWriter(kept.data);
    try {
      for (const [index, least] of [200, 600, 1_000].entries()) {
        await writer.reaches(least);
        const known = writer.committed();
        const file = kept.at(`backup-${index}`);
        backUp({ folder: kept.data, file, now: NOON });
        const { numbers, count } = await readBackup(file);
        expect(numbers).toEqual(upTo(count));
        expect(count).toBeGreaterThanOrEqual(known);
        await writer.reaches(count + 1);
      }
    } finally {
      await writer.kill();
    }
  });

  test("of a stack that was killed has what only its log has", async () => {
    using kept = await keptFolder();
    const writer = startWriter(kept.data);
    await writer.reaches(50);
    await writer.kill();
    backUp({ folder: kept.data, file: kept.at("backup"), now: NOON });

    const { numbers, count } = await readBackup(kept.at("backup"));
    expect(numbers).toEqual(upTo(count));
    expect(count).toBeGreaterThanOrEqual(writer.committed());
  });

  test("of a stack that is stopped changes nothing of its data", async () => {
    using kept = await keptFolder(3);
    const before = readFileSync(join(kept.data, "lull.sqlite"));
    backUp({ folder: kept.data, file: kept.at("backup"), now: NOON });

    expect(readFileSync(join(kept.data, "lull.sqlite"))).toEqual(before);
    expect((await readBackup(kept.at("backup"))).numbers).toEqual([1, 2, 3]);
  });

  test("is one file that only its owner may read, without the folder's credentials", async () => {
    using kept = await keptFolder(1);
    const umask = process.umask(0);
    try {
      backUp({ folder: kept.data, file: kept.at("backup"), now: NOON });
    } finally {
      process.umask(umask);
    }
    expect(readdirSync(kept.folder).toSorted()).toEqual(["backup", "data"]);
    expect(statSync(kept.at("backup")).mode & 0o777).toBe(0o600);
    const { secretAccessKey } = JSON.parse(
      readFileSync(join(kept.data, "credentials.json"), "utf8"),
    );
    expect(readFileSync(kept.at("backup")).includes(secretAccessKey)).toBe(false);
  });

  test("tells its size, its instant, and how many sessions are open in it", async () => {
    using kept = await keptFolder(0, (database) => {
      putSession(database, "a", "MAINTENANCE");
      putSession(database, "b", "START_MAINTENANCE");
      putSession(database, "c", "MAINTENANCE_DONE");
      putSession(database, "d", "MAINTENANCE_FAILED");
    });
    const file = kept.at("backup");
    expect(backUp({ folder: kept.data, file, now: NOON })).toEqual({
      file,
      bytes: statSync(file).size,
      at: "2026-11-22T12:00:00.000Z",
      openSessions: 2,
    });
  });

  test("can be made of what was restored from one", async () => {
    using kept = await keptFolder(2);
    backUp({ folder: kept.data, file: kept.at("first"), now: NOON });
    restore({ folder: kept.data, file: kept.at("first"), force: true, now: NOON });
    backUp({ folder: kept.data, file: kept.at("second"), now: NOON });
    expect((await readBackup(kept.at("second"))).numbers).toEqual([1, 2]);
  });
});

describe("no backup is made, and nothing is left behind,", () => {
  test("over a file that exists", async () => {
    using kept = await keptFolder();
    writeFileSync(kept.at("backup"), "precious");
    expect(() => backUp({ folder: kept.data, file: kept.at("backup"), now: NOON })).toThrow(
      /backup exists; a backup overwrites nothing$/,
    );
    expect(readFileSync(kept.at("backup"), "utf8")).toBe("precious");
  });

  test("of a folder without data", () => {
    using empty = temporaryFolder();
    const file = join(empty.folder, "backup");
    expect(() => backUp({ folder: empty.folder, file, now: NOON })).toThrow(
      /^there is no data of Lull in /,
    );
    expect(readdirSync(empty.folder)).toEqual([]);
  });

  test("into a folder that is not there", async () => {
    using kept = await keptFolder();
    const file = join(kept.at("nowhere"), "backup");
    expect(() => backUp({ folder: kept.data, file, now: NOON })).toThrow(/^there is no folder /);
  });

  test("of a database that is damaged", async () => {
    using kept = await keptFolder(500);
    const path = join(kept.data, "lull.sqlite");
    const middle = Math.floor(statSync(path).size / 2);
    writeSync(openSync(path, "r+"), Buffer.alloc(40_000, 0xff), 0, 40_000, middle);
    expect(() => backUp({ folder: kept.data, file: kept.at("backup"), now: NOON })).toThrow(
      /lull\.sqlite is (damaged|not a whole database)/,
    );
    expect(readdirSync(kept.folder)).toEqual(["data"]);
  });

  test("of a database that can be read but breaks its own rules", async () => {
    using kept = await keptFolder();
    const sqlite = new DatabaseSync(join(kept.data, "lull.sqlite"), { defensive: false });
    sqlite.exec(`
      CREATE TABLE odd (a INTEGER PRIMARY KEY, b TEXT);
      INSERT INTO odd VALUES (1, NULL);
      PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = replace(sql, 'b TEXT', 'b TEXT NOT NULL') WHERE name = 'odd';
    `);
    sqlite.close();
    expect(() => backUp({ folder: kept.data, file: kept.at("backup"), now: NOON })).toThrow(
      /lull\.sqlite is not a whole database: NULL value in odd\.b/,
    );
    expect(readdirSync(kept.folder)).toEqual(["data"]);
  });

  test("of a file that is no database of Lull", async () => {
    using kept = await keptFolder();
    truncateSync(join(kept.data, "lull.sqlite"));
    expect(() => backUp({ folder: kept.data, file: kept.at("backup"), now: NOON })).toThrow(
      /is no database of Lull: it has no dynamodb_tables/,
    );
    expect(existsSync(kept.at("backup"))).toBe(false);
  });

  test("where there is no room for it", async () => {
    using kept = await keptFolder(500);
    const file = kept.at("backup");
    // The shell lets no file grow beyond 64 blocks, which is how a full disk looks to one process.
    const { status, stderr } = spawnSync(
      "sh",
      ["-c", 'ulimit -f 64; exec "$0" "$@"', process.execPath].concat([
        "lib/cli/lull.mjs",
        "admin",
        "backup",
        file,
        "--data",
        kept.data,
      ]),
      { encoding: "utf8" },
    );
    expect(stderr).toMatch(/^error: .*backup\.part-\d+ could not be written: /m);
    expect(status).toBe(1);
    expect(readdirSync(kept.folder)).toEqual(["data"]);
  });
});
