import type { Table } from "./catalog.ts";
import type { Engine } from "./engine.ts";
import { expiryOf } from "./expiry.ts";
import { keyColumn } from "./indexes.ts";
import { textColumn } from "./storage.ts";
import { itemOf, storedItem } from "./stored-items.ts";
import { removeItem } from "./write-items.ts";

/** DynamoDB leaves items alone that expired longer ago than five years. */
const OLDEST_EXPIRY_SECONDS = 5 * 365 * 24 * 60 * 60;

/** Notes anew when each item expires, after the table's attribute for it has changed. */
export const noteExpiries = ({ storage }: Engine, table: Table): void => {
  const rows = storage.all(`SELECT hash, range, item FROM ${table.rows}`);
  for (const row of rows)
    storage.run(
      `UPDATE ${table.rows} SET expires = ? WHERE hash = ? AND range = ?`,
      expiryOf(table, itemOf(textColumn(row, 2))),
      keyColumn(row, 0),
      keyColumn(row, 1),
    );
};

/** Deletes the items that have expired. */
export const removeExpired = (engine: Engine, table: Table): void => {
  if (table.timeToLive === undefined) return;
  const now = Math.floor(engine.clock.now() / 1000);
  const rows = engine.storage.all(
    `SELECT item, size, hash, range FROM ${table.rows} WHERE expires < ? AND expires > ?`,
    now,
    now - OLDEST_EXPIRY_SECONDS,
  );
  for (const row of rows)
    removeItem(
      engine,
      table,
      { hash: keyColumn(row, 2), range: keyColumn(row, 3) },
      storedItem(row),
      true,
    );
};
