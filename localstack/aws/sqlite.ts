import { DatabaseSync } from "node:sqlite";

/** FULL survives power loss, NORMAL survives the death of the process (SQLite, "PRAGMA synchronous"). */
export type Durability = "FULL" | "NORMAL";

/** Opens the one file that holds everything durable. */
export const openFile = (path: string, durability: Durability): DatabaseSync => {
  const sqlite = new DatabaseSync(path);
  sqlite.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability};
    PRAGMA temp_store = MEMORY;
  `);
  return sqlite;
};

/** Runs `act` as one transaction; it must be synchronous and must not start another one. */
export const transaction = <T>(sqlite: DatabaseSync, act: () => T): T => {
  sqlite.exec("BEGIN IMMEDIATE");
  try {
    const result = act();
    sqlite.exec("COMMIT");
    return result;
  } catch (error) {
    sqlite.exec("ROLLBACK");
    throw error;
  }
};
