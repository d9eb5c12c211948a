/**
 * A restore that is killed right before its n-th change of the disk: `node dying-restore.ts <n> <data
 * folder> <backup>`. What SQLite writes by itself is not counted.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [, , at = "1", folder = "", file = ""] = process.argv;
let changes = Number.NEGATIVE_INFINITY;
const CHANGES = ["openSync", "fsyncSync", "linkSync", "renameSync", "rmSync"] as const;
for (const name of CHANGES) {
  const act = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      changes += 1;
      if (changes === Number(at)) process.kill(process.pid, "SIGKILL");
      return act(...args);
    },
  });
}
syncBuiltinESMExports();

const { restore } = await import("../../../localstack/data-folder/restore.ts");
changes = 0;
restore({ folder, file, force: true, now: Date.parse("2026-11-23T11:00:00Z") });
