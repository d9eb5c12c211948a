import { isDeepStrictEqual } from "node:util";
import { createIndexRows, createStreamRows, type Table } from "./catalog.ts";
import { readDefinition, type TableDefinition } from "./definition.ts";
import type { Engine } from "./engine.ts";
import { keyColumn, updateIndex } from "./indexes.ts";
import { invalidParameter } from "./invalid.ts";
import { textColumn } from "./storage.ts";
import { itemOf } from "./stored-items.ts";
import { noteExpiries } from "./time-to-live.ts";

/** Creates the table, or changes the existing one to the definition. */
export const ensureTable = (engine: Engine, input: unknown): void => {
  const definition = readDefinition(input);
  const table = engine.catalog.find(definition.TableName);
  if (table && isDeepStrictEqual(table.definition, definition)) return;
  engine.write(() => {
    if (table) changeTable(engine, table, definition);
    else engine.catalog.add(definition);
  });
};

const changeTable = (engine: Engine, table: Table, definition: TableDefinition): void => {
  const { storage, catalog } = engine;
  if (!isDeepStrictEqual(keysOf(table.definition), keysOf(definition)))
    throw invalidParameter(
      `Table ${table.name} exists with another primary key; a primary key cannot be changed`,
    );
  for (const { rows } of table.indexes) storage.exec(`DROP TABLE ${rows}`);
  storage.run(`DELETE FROM ${table.pendingRows}`);
  const ttl = definition.TimeToLiveSpecification;
  catalog.redefine(table, definition);
  const changed = catalog.setTimeToLive(table, ttl?.Enabled ? ttl.AttributeName : undefined);
  createStreamRows(storage, changed);
  buildIndexes(engine, changed);
  noteExpiries(engine, changed);
};

const keysOf = ({ KeySchema, AttributeDefinitions }: TableDefinition) =>
  KeySchema.map((element) => ({
    ...element,
    ...AttributeDefinitions.find(({ AttributeName }) => AttributeName === element.AttributeName),
  }));

const buildIndexes = ({ storage }: Engine, table: Table): void => {
  for (const index of table.indexes) createIndexRows(storage, index);
  for (const row of storage.all(`SELECT hash, range, item FROM ${table.rows}`)) {
    const key = { hash: keyColumn(row, 0), range: keyColumn(row, 1) };
    const item = itemOf(textColumn(row, 2));
    for (const index of table.indexes) updateIndex(storage, index, key, undefined, item);
  }
};
