import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { checkLayout } from "../aws/sqlite.ts";
import { DataFolderError } from "./error.ts";

/** What a start makes in every file, whatever the template says; without one of these it is no Lull's. */
const TABLES = [
  "dynamodb_tables",
  "state_machine_definitions",
  "executions",
  "asynchronous_events",
  "schedules",
];

const findingsSchema = z.array(z.object({ integrity_check: z.string() }));
const namesSchema = z.array(z.object({ name: z.string() }));

const damageIn = (sqlite: DatabaseSync): string | undefined => {
  try {
    const [first] = findingsSchema.parse(sqlite.prepare("PRAGMA integrity_check(1)").all());
    return first?.integrity_check === "ok" ? undefined : (first?.integrity_check ?? "");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/**
 * Whether a file is a whole database of Lull: SQLite finds no damage, and what every start makes is there.
 *
 * @throws DataFolderError, and NewerLayoutError when a newer Lull wrote it
 */
export const checkWhole = (sqlite: DatabaseSync, path: string): void => {
  const damage = damageIn(sqlite);
  if (damage !== undefined) throw new DataFolderError(`${path} is not a whole database: ${damage}`);
  checkLayout(sqlite, path);
  const names = namesSchema
    .parse(sqlite.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all())
    .map(({ name }) => name);
  const missing = TABLES.filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new DataFolderError(`${path} is no database of Lull: it has no ${missing.join(", ")}`);
};
