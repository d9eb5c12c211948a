import type { Clock } from "../../clock.ts";
import { AwsError } from "../errors.ts";
import { readDefinition, readKeySchema, type TableDefinition } from "./definition.ts";
import { type KeySchema, keyAttributes } from "./keys.ts";
import { numberColumn, optionalText, type Row, type Storage, textColumn } from "./storage.ts";

export type Index = {
  readonly name: string;
  readonly key: KeySchema;
  /** The attributes it holds; undefined = all. */
  readonly projected: ReadonlySet<string> | undefined;
  /** Name of the SQLite table. */
  readonly rows: string;
};

/** A DynamoDB table and the names of the SQLite tables that hold it. */
export type Table = {
  readonly id: number;
  readonly name: string;
  readonly definition: TableDefinition;
  readonly key: KeySchema;
  readonly indexes: readonly Index[];
  /** Attribute with the expiry instant in epoch seconds. */
  readonly timeToLive: string | undefined;
  readonly createdAt: number;
  readonly rows: string;
  /** Index changes that have not arrived yet. */
  readonly pendingRows: string;
  readonly streamRows: string | undefined;
};

/** The tables that exist; the file's list, held in memory. */
export type Catalog = {
  /** @throws AwsError ResourceNotFoundException */
  readonly get: (name: string) => Table;
  readonly find: (name: string) => Table | undefined;
  readonly all: () => readonly Table[];
  readonly add: (input: unknown) => Table;
  readonly remove: (table: Table) => void;
  /** Stores another definition of a table whose SQLite tables the caller has changed to fit. */
  readonly redefine: (table: Table, definition: TableDefinition) => Table;
  readonly setTimeToLive: (table: Table, attribute: string | undefined) => Table;
  /** Reads the list anew, after a rolled back change. */
  readonly reload: () => void;
};

const CREATE_CATALOG = `
  CREATE TABLE IF NOT EXISTS dynamodb_tables (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL,
    time_to_live TEXT,
    created_at INTEGER NOT NULL
  ) STRICT`;

export const openCatalog = (storage: Storage, clock: Clock): Catalog => {
  storage.exec(CREATE_CATALOG);
  const tables = new Map<string, Table>();
  const load = (name: string): Table => {
    const row = storage.first(
      "SELECT id, name, definition, time_to_live, created_at FROM dynamodb_tables WHERE name = ?",
      name,
    );
    if (!row) throw new TypeError(`table ${name} is not in the catalog`);
    const table = tableOf(row);
    tables.set(name, table);
    return table;
  };
  const reload = () => {
    tables.clear();
    for (const row of storage.all("SELECT name FROM dynamodb_tables")) load(textColumn(row, 0));
  };
  reload();
  return {
    find: (name) => tables.get(name),
    get: (name) => {
      const table = tables.get(name);
      if (!table) throw new AwsError("ResourceNotFoundException", "Requested resource not found");
      return table;
    },
    all: () => [...tables.values()],
    reload,
    add: (input) => {
      const definition = readDefinition(input);
      const { TableName, TimeToLiveSpecification: ttl } = definition;
      storage.run(
        "INSERT INTO dynamodb_tables (name, definition, time_to_live, created_at) VALUES (?, ?, ?, ?)",
        TableName,
        JSON.stringify(definition),
        ttl?.Enabled ? (ttl.AttributeName ?? null) : null,
        clock.now(),
      );
      const table = load(TableName);
      createRows(storage, table);
      return table;
    },
    remove: (table) => {
      dropRows(storage, table);
      storage.run("DELETE FROM dynamodb_tables WHERE id = ?", table.id);
      tables.delete(table.name);
    },
    redefine: (table, definition) => {
      storage.run(
        "UPDATE dynamodb_tables SET definition = ? WHERE id = ?",
        JSON.stringify(definition),
        table.id,
      );
      return load(table.name);
    },
    setTimeToLive: (table, attribute) => {
      storage.run(
        "UPDATE dynamodb_tables SET time_to_live = ? WHERE id = ?",
        attribute ?? null,
        table.id,
      );
      return load(table.name);
    },
  };
};

const tableOf = (row: Row): Table => {
  const id = numberColumn(row, 0);
  const definition = readDefinition(JSON.parse(textColumn(row, 2)));
  const key = readKeySchema(definition.KeySchema, definition.AttributeDefinitions);
  const stream = definition.StreamSpecification;
  const streams = stream !== undefined && stream.StreamEnabled !== false;
  return {
    id,
    name: textColumn(row, 1),
    definition,
    key,
    indexes: indexesOf(id, definition, key),
    timeToLive: optionalText(row, 3),
    createdAt: numberColumn(row, 4),
    rows: `dynamodb_items_${id}`,
    pendingRows: `dynamodb_pending_${id}`,
    streamRows: streams ? streamRowsOf(id) : undefined,
  };
};

const indexesOf = (id: number, definition: TableDefinition, key: KeySchema): readonly Index[] =>
  (definition.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }, number) => {
    const own = readKeySchema(KeySchema, definition.AttributeDefinitions);
    const keys = [...keyAttributes(key), ...keyAttributes(own)].map(({ name }) => name);
    return {
      name: IndexName,
      key: own,
      projected:
        Projection.ProjectionType === "ALL"
          ? undefined
          : new Set([...keys, ...(Projection.NonKeyAttributes ?? [])]),
      rows: `dynamodb_index_${id}_${number}`,
    };
  });

/** Key columns are ANY: text and bytes are kept and ordered as they are. */
const createRows = (storage: Storage, table: Table): void => {
  storage.exec(`
    CREATE TABLE ${table.rows} (
      hash ANY NOT NULL, range ANY NOT NULL,
      item TEXT NOT NULL, size INTEGER NOT NULL, expires INTEGER,
      PRIMARY KEY (hash, range)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ${table.rows}_expires ON ${table.rows} (expires) WHERE expires IS NOT NULL;
    CREATE TABLE ${table.pendingRows} (
      sequence INTEGER PRIMARY KEY,
      due INTEGER NOT NULL, hash ANY NOT NULL, range ANY NOT NULL, old TEXT, new TEXT
    ) STRICT;
    CREATE INDEX ${table.pendingRows}_key ON ${table.pendingRows} (hash, range);`);
  createStreamRows(storage, table);
  for (const index of table.indexes) createIndexRows(storage, index);
};

export const createStreamRows = (storage: Storage, { streamRows }: Table): void => {
  if (streamRows !== undefined)
    storage.exec(`
      CREATE TABLE IF NOT EXISTS ${streamRows} (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL, expired INTEGER NOT NULL, size INTEGER NOT NULL, old TEXT, new TEXT
      ) STRICT`);
};

export const createIndexRows = (storage: Storage, { rows }: Index): void =>
  storage.exec(`
    CREATE TABLE ${rows} (
      index_hash ANY NOT NULL, index_range ANY NOT NULL, hash ANY NOT NULL, range ANY NOT NULL,
      item TEXT NOT NULL, size INTEGER NOT NULL,
      PRIMARY KEY (index_hash, index_range, hash, range)
    ) STRICT, WITHOUT ROWID`);

const dropRows = (storage: Storage, table: Table): void => {
  for (const rows of [table.rows, table.pendingRows, ...table.indexes.map((index) => index.rows)])
    storage.exec(`DROP TABLE ${rows}`);
  storage.exec(`DROP TABLE IF EXISTS ${streamRowsOf(table.id)}`);
};

const streamRowsOf = (id: number): string => `dynamodb_stream_${id}`;
