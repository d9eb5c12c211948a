import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keptFolder, putSession, readKept } from "../../localstack/data-folder/kept.ts";
import { lull, lullHere } from "./lull.ts";

/** Neither a token nor a cloud: these commands speak to nobody. */
const NOBODY = { LULL_TOKEN: "", OS_CLIENT_CONFIG_FILE: "/nonexistent" };

test("what was backed up is restored, and each command tells what it did and what is next", async () => {
  using kept = await keptFolder(3, (database) => putSession(database, "a", "MAINTENANCE"));
  const file = kept.at("backup");
  const backup = await lull(["admin", "backup", file, "--data", kept.data], { env: NOBODY });
  expect(backup).toMatchObject({ code: 0 });
  expect(backup.out).toMatch(
    /^\S+backup holds the state of \S+data at \d{4}-.*Z: [\d.]+ [kM]B, 1 open session, checked\n$/,
  );

  const fresh = kept.at("fresh");
  const restored = await lull(["admin", "restore", file, "--data", fresh], { env: NOBODY });
  expect(restored).toMatchObject({ code: 0 });
  expect(restored.out).toMatch(/^\S+fresh holds the state of .*Z again: 1 open session\n/);
  expect(restored.out).toContain("the cloud is frozen");
  expect(restored.out).toMatch(/then lull thaw\n$/);
  expect(await readKept(fresh)).toMatchObject({ numbers: [1, 2, 3], freeze: { by: "restore" } });
});

test("without a folder it is that of npm start", async () => {
  using kept = await keptFolder(1);
  const env = { ...NOBODY, HOME: kept.folder };
  expect(await lull(["admin", "backup", kept.at("none")], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining(`no data of Lull in ${kept.at(".local/share/lull")}`),
  });
  const here = ["--data", kept.data];
  await lull(["admin", "backup", kept.at("backup"), ...here], { env });
  await lull(["admin", "restore", kept.at("backup")], { env });
  expect((await readKept(kept.at(".local/share/lull"))).numbers).toEqual([1]);
});

test("for scripts there is JSON, with bytes and instants", async () => {
  using kept = await keptFolder(1);
  const file = kept.at("backup");
  const backup = await lullHere(["admin", "backup", file, "--data", kept.data, "-f", "json"]);
  expect(JSON.parse(backup.out)).toEqual({
    file,
    bytes: statSync(file).size,
    at: "2026-11-22T10:00:00.000Z",
    open_sessions: 0,
  });
  const force = ["--force", "-f", "json"];
  const restored = await lullHere(["admin", "restore", file, "--data", kept.data, ...force]);
  expect(JSON.parse(restored.out)).toEqual({
    folder: kept.data,
    at: "2026-11-22T10:00:00.000Z",
    open_sessions: 0,
    put_aside: join(kept.data, "lull.sqlite.before-20261122T100000.000Z"),
  });
});

test("what is refused is told in one line, with exit code 1", async () => {
  using kept = await keptFolder(1);
  const here = ["--data", kept.data];
  const file = kept.at("backup");
  await lullHere(["admin", "backup", file, ...here]);
  expect(await lullHere(["admin", "backup", file, ...here])).toEqual({
    code: 1,
    out: "",
    err: `error: ${file} exists; a backup overwrites nothing`,
  });
  expect(await lullHere(["admin", "restore", file, ...here])).toEqual({
    code: 1,
    out: "",
    err: `error: ${kept.data} holds a database already; with --force it is put aside, not deleted`,
  });
});

test("the help says that credentials are not in a backup", async () => {
  const { out } = await lullHere(["admin", "backup", "--help"]);
  expect(out).toMatch(/Credentials are not in it: .*secrets\.json/);
});

test("no other command loads a database", () => {
  const look = (args: readonly string[]) => {
    const script = `
      const { run } = await import("./lib/cli/main.ts");
      await run(${JSON.stringify(args)});
      console.error(process.moduleLoadList.some((name) => /sqlite/.test(name)) ? "loaded" : "not loaded");`;
    return spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...NOBODY },
    }).stderr.trim();
  };
  expect(look(["freeze", "status", "--help"])).toBe("not loaded");
  expect(look(["admin", "backup", "/tmp/x", "--data", "/nonexistent"])).toMatch(/\nloaded$/);
});
