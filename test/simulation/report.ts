import { happenings } from "./happenings.ts";
import type { Simulated } from "./simulate.ts";

const COLUMNS = ["seeds", "done", "failed", "waiting", "broken"] as const;
type Column = (typeof COLUMNS)[number];

const columnOf = (session: string): Column => {
  if (session === "DONE") return "done";
  return session === "FAILED" ? "failed" : "waiting";
};

/**
 * How often each class of fault was generated and how the sessions of its seeds ended: done,
 * failed, or waiting for a human; `broken` counts seeds in which a promise was broken.
 */
export const report = (outcomes: readonly Simulated[]): string => {
  const names = ["(nothing)", ...happenings.map(({ name }) => name)];
  const counts = new Map(names.map((name) => [name, new Map<Column, number>()]));
  const add = (name: string, column: Column) => {
    const row = counts.get(name);
    row?.set(column, (row.get(column) ?? 0) + 1);
  };
  for (const { happenings: happened, sessions, violations } of outcomes)
    for (const name of happened.length > 0 ? happened : ["(nothing)"]) {
      add(name, "seeds");
      if (violations.length > 0) add(name, "broken");
      for (const session of sessions) add(name, columnOf(session));
    }
  const width = Math.max(...names.map((name) => name.length));
  const line = (name: string, cells: readonly (string | number)[]) =>
    `${name.padEnd(width)} ${cells.map((cell) => String(cell).padStart(8)).join("")}`;
  return [
    line("fault class", COLUMNS),
    ...names.map((name) =>
      line(
        name,
        COLUMNS.map((column) => counts.get(name)?.get(column) ?? 0),
      ),
    ),
  ].join("\n");
};
