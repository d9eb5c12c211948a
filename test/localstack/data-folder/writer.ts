/**
 * A stack that is never at rest: `node writer.ts <data folder>` goes on numbering rows after the last
 * one that is there, and prints each number once its row is committed, until it is killed.
 */
import { setImmediate } from "node:timers/promises";
import { openKept, putNumbered, readKept } from "./kept.ts";

const data = process.argv[2] ?? "";
const { count } = await readKept(data);
const { database } = await openKept(data);
for (let number = count + 1; ; number++) {
  putNumbered(database, number);
  process.stdout.write(`${number}\n`);
  await setImmediate();
}
