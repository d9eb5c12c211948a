import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openFile } from "../../../localstack/aws/sqlite.ts";
import { temporaryFolder } from "./harness.ts";

const layoutOf = (sqlite: DatabaseSync) =>
  sqlite.prepare("PRAGMA user_version").get()?.["user_version"];

test("a file notes its layout, also one from before layouts were noted", () => {
  using data = temporaryFolder();
  const path = join(data.folder, "lull.sqlite");
  const old = new DatabaseSync(path);
  old.exec("CREATE TABLE kept (x)");
  old.close();
  const sqlite = openFile(path, "NORMAL");
  expect(layoutOf(sqlite)).toBe(1);
  expect(sqlite.prepare("SELECT * FROM kept").all()).toEqual([]);
  sqlite.close();
});

test("a file that a newer Lull wrote is not opened", () => {
  using data = temporaryFolder();
  const path = join(data.folder, "lull.sqlite");
  const newer = new DatabaseSync(path);
  newer.exec("PRAGMA user_version = 2");
  newer.close();
  expect(() => openFile(path, "NORMAL")).toThrow(/was written by a newer Lull \(layout 2/);
});
