import { UsageError } from "./exit.ts";
import type { Values } from "./options.ts";
import { didYouMean } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";

/** One column of a listing; its name is the key in JSON and, in capitals, the head of the table. */
export type Column<Row> = {
  readonly name: string;
  readonly of: (row: Row) => unknown;
  /** How a person reads it, where that differs. */
  readonly show?: (row: Row) => string;
};

const FORMATS = ["table", "json", "value"] as const;
type Format = (typeof FORMATS)[number];

/** @throws UsageError */
export const formatOf = (values: Values): Format => {
  const wanted = values.text("format") ?? "table";
  const format = FORMATS.find((known) => known === wanted);
  if (format) return format;
  throw new UsageError(
    `--format is one of ${FORMATS.join(", ")}, not "${wanted}"${didYouMean(wanted, FORMATS)}`,
  );
};

const columnsOf = <Row>(
  values: Values,
  columns: readonly Column<Row>[],
): readonly Column<Row>[] => {
  const wanted = values.list("column").flatMap((names) => names.split(","));
  if (wanted.length === 0) return columns;
  const known = columns.map(({ name }) => name);
  return wanted.map((name) => {
    const column = columns.find((one) => one.name === name.trim().toLowerCase());
    if (column) return column;
    throw new UsageError(
      `there is no column ${name}${didYouMean(name, known)}; there are ${known.join(", ")}`,
    );
  });
};

/** Names and details come from other systems, and some from tenants: nothing in them may steer a terminal. */
export const clean = (text: string): string => text.replace(/\p{Cc}+/gu, " ");

const showValue = (value: unknown): string => {
  if (value === null || value === undefined) return "";
  return clean(typeof value === "object" ? JSON.stringify(value) : String(value));
};

const shown = <Row>({ of, show }: Column<Row>, row: Row): string =>
  show ? clean(show(row)) : showValue(of(row));

/** Cells in lines, each column as wide as its widest cell. */
export const alignedLines = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
};

export const tableLines = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): readonly string[] =>
  alignedLines([
    columns.map(({ name }) => name.toUpperCase()),
    ...rows.map((row) => columns.map((column) => shown(column, row))),
  ]);

const picked = <Row>(columns: readonly Column<Row>[], row: Row): Record<string, unknown> =>
  Object.fromEntries(columns.map(({ name, of }) => [name, of(row) ?? null]));

/**
 * Prints rows as asked by -f and -c: a table for people, values for `read`, and JSON, which without
 * -c is what the API said.
 */
export const printRows = <Row>(
  terminal: Terminal,
  values: Values,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): void => {
  const format = formatOf(values);
  const chosen = columnsOf(values, columns);
  if (format === "json") {
    const whole = values.list("column").length === 0;
    const json = whole ? rows : rows.map((row) => picked(chosen, row));
    terminal.out(JSON.stringify(json, null, 2));
  } else if (format === "value")
    for (const row of rows) terminal.out(chosen.map(({ of }) => showValue(of(row))).join(" "));
  else for (const line of tableLines(chosen, rows)) terminal.out(line);
};

/** Prints one thing, a line per field. */
export const printFields = <Row>(
  terminal: Terminal,
  values: Values,
  columns: readonly Column<Row>[],
  row: Row,
): void => {
  const format = formatOf(values);
  const chosen = columnsOf(values, columns);
  if (format === "json") {
    const whole = values.list("column").length === 0;
    terminal.out(JSON.stringify(whole ? row : picked(chosen, row), null, 2));
  } else if (format === "value") for (const { of } of chosen) terminal.out(showValue(of(row)));
  else
    for (const line of alignedLines(chosen.map((column) => [column.name, shown(column, row)])))
      terminal.out(line);
};
