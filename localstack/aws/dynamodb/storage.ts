import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

/** One SQLite result row; columns by position. */
export type Row = Readonly<Record<number, SQLOutputValue>>;

/** The SQLite file with every statement prepared once. */
export type Storage = {
  readonly run: (sql: string, ...values: readonly SQLInputValue[]) => number;
  readonly first: (sql: string, ...values: readonly SQLInputValue[]) => Row | undefined;
  readonly all: (sql: string, ...values: readonly SQLInputValue[]) => readonly Row[];
  /** Reads row by row, for results of unknown length. */
  readonly each: (sql: string, ...values: readonly SQLInputValue[]) => Iterable<Row>;
  readonly exec: (sql: string) => void;
  /** Commits what `act` did, or nothing of it when it throws. */
  readonly transaction: <T>(act: () => T) => T;
};

export const openStorage = (sqlite: DatabaseSync): Storage => {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = sqlite.prepare(sql);
    statement.setReturnArrays(true);
    statements.set(sql, statement);
    return statement;
  };
  return {
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    first: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    each: (sql, ...values) => prepare(sql).iterate(...values),
    exec: (sql) => sqlite.exec(sql),
    transaction: (act) => {
      prepare("BEGIN IMMEDIATE").run();
      try {
        const result = act();
        prepare("COMMIT").run();
        return result;
      } catch (error) {
        if (sqlite.isTransaction) prepare("ROLLBACK").run();
        throw error;
      }
    },
  };
};

/** @throws TypeError when the column does not hold text */
export const textColumn = (row: Row, column: number): string => {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`column ${column} holds no text`);
  return value;
};

/** @throws TypeError when the column does not hold a number */
export const numberColumn = (row: Row, column: number): number => {
  const value = row[column];
  if (typeof value !== "number") throw new TypeError(`column ${column} holds no number`);
  return value;
};

export const optionalText = (row: Row, column: number): string | undefined =>
  row[column] === null ? undefined : textColumn(row, column);
