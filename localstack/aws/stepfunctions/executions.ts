import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Cursor } from "./interpreter.ts";

/** One execution as it is kept: what does not change, how it ended, and the cursor while it runs. */
export type ExecutionRow = {
  readonly arn: string;
  readonly machineArn: string;
  readonly name: string;
  /** Key of the definition it started with; a later deployment does not change it. */
  readonly definition: string;
  readonly input: string;
  readonly startedAt: number;
  readonly status: "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED";
  readonly stoppedAt: number | null;
  readonly output: string | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly events: number;
  readonly cursor: Cursor | null;
};

/** What changes when an execution takes a step. */
export type Progress = Omit<
  ExecutionRow,
  "machineArn" | "name" | "definition" | "input" | "startedAt"
>;

const cursorSchema: z.ZodType<Omit<Cursor, "events">> = z.object({
  state: z.string(),
  data: z.unknown(),
  enteredAt: z.number(),
  phase: z.enum(["task", "token", "backoff", "wait"]),
  attempt: z.number(),
  retries: z.array(z.number()),
  deadline: z.number().nullable(),
  token: z.string().nullable(),
  submitted: z.boolean(),
});

const rowSchema = z
  .object({
    arn: z.string(),
    machine: z.string(),
    name: z.string(),
    definition: z.string(),
    input: z.string(),
    started_at: z.number(),
    status: z.enum(["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]),
    stopped_at: z.number().nullable(),
    output: z.string().nullable(),
    error: z.string().nullable(),
    cause: z.string().nullable(),
    events: z.number(),
    cursor: z.string().nullable(),
  })
  .transform(
    ({ machine, started_at, stopped_at, cursor, ...row }): ExecutionRow => ({
      ...row,
      machineArn: machine,
      startedAt: started_at,
      stoppedAt: stopped_at,
      cursor:
        cursor === null ? null : { ...cursorSchema.parse(JSON.parse(cursor)), events: row.events },
    }),
  );

/** AWS keeps a closed execution and its name for 90 days (service quotas). */
const RETENTION_MS = 90 * 86_400_000;

/** The executions in the stack's file. */
export const executionStore = (sqlite: DatabaseSync) => {
  sqlite.exec(`
    CREATE TABLE IF NOT EXISTS state_machine_definitions (
      key TEXT PRIMARY KEY,
      definition TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS executions (
      arn TEXT PRIMARY KEY,
      machine TEXT NOT NULL,
      name TEXT NOT NULL,
      definition TEXT NOT NULL,
      input TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      status TEXT NOT NULL,
      stopped_at INTEGER,
      output TEXT,
      error TEXT,
      cause TEXT,
      events INTEGER NOT NULL,
      cursor TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS executions_by_status ON executions (status, stopped_at);
  `);
  const putDefinition = sqlite.prepare(
    "INSERT OR IGNORE INTO state_machine_definitions VALUES (?, ?)",
  );
  const getDefinition = sqlite.prepare(
    "SELECT definition FROM state_machine_definitions WHERE key = ?",
  );
  const insert = sqlite.prepare(
    `INSERT INTO executions (arn, machine, name, definition, input, started_at, status, stopped_at, output, error, cause, events, cursor)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = sqlite.prepare(
    `UPDATE executions SET status = ?, stopped_at = ?, output = ?, error = ?, cause = ?, events = ?, cursor = ?
     WHERE arn = ?`,
  );
  const select = sqlite.prepare("SELECT * FROM executions WHERE arn = ?");
  const running = sqlite.prepare("SELECT * FROM executions WHERE status = 'RUNNING'");
  const all = sqlite.prepare("SELECT * FROM executions ORDER BY started_at, arn");
  const forget = sqlite.prepare(
    "DELETE FROM executions WHERE status <> 'RUNNING' AND stopped_at < ?",
  );

  const changing = (row: Progress) =>
    [
      row.status,
      row.stoppedAt,
      row.output,
      row.error,
      row.cause,
      row.events,
      row.cursor && JSON.stringify({ ...row.cursor, events: undefined }),
    ] as const;

  return {
    /** Keeps a definition once, whoever uses it; answers its key. */
    keepDefinition: (definition: unknown): string => {
      const text = JSON.stringify(definition);
      const key = createHash("sha256").update(text).digest("hex").slice(0, 32);
      putDefinition.run(key, text);
      return key;
    },
    definition: (key: string): unknown => {
      const row = z.object({ definition: z.string() }).parse(getDefinition.get(key));
      return JSON.parse(row.definition);
    },
    add: (row: ExecutionRow) => {
      insert.run(
        row.arn,
        row.machineArn,
        row.name,
        row.definition,
        row.input,
        row.startedAt,
        ...changing(row),
      );
    },
    /** One commit: the result of a finished step and where the execution goes from there. */
    save: (row: Progress) => void update.run(...changing(row), row.arn),
    get: (arn: string): ExecutionRow | undefined => {
      const row = select.get(arn);
      return row && rowSchema.parse(row);
    },
    running: (): ExecutionRow[] => running.all().map((row) => rowSchema.parse(row)),
    all: (): ExecutionRow[] => all.all().map((row) => rowSchema.parse(row)),
    /** Drops the executions that AWS would have forgotten by `now`. */
    sweep: (now: number) => void forget.run(now - RETENTION_MS),
  };
};
export type ExecutionStore = ReturnType<typeof executionStore>;
