import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Clock } from "../clock.ts";
import type { QueueModel } from "./template/model.ts";

export type DeadLetter = {
  readonly queue: string;
  /** The message body that SQS would hold, as JSON. */
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
};

const letterSchema = z.object({ queue: z.string(), body: z.string(), at: z.number() });

/** The template's queues: nobody in the stack reads them, so they are a table for operators and tests. */
export const deadLetterTable = (
  sqlite: DatabaseSync,
  clock: Clock,
  queues: readonly QueueModel[],
) => {
  sqlite.exec(`
    CREATE TABLE IF NOT EXISTS dead_letters (
      id INTEGER PRIMARY KEY,
      queue TEXT NOT NULL,
      body TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT`);
  const insert = sqlite.prepare("INSERT INTO dead_letters (queue, body, at) VALUES (?, ?, ?)");
  const select = sqlite.prepare("SELECT queue, body, at FROM dead_letters ORDER BY id");
  const expire = sqlite.prepare("DELETE FROM dead_letters WHERE queue = ? AND at < ?");
  return {
    add: (queue: string, body: unknown) =>
      void insert.run(queue, JSON.stringify(body), clock.now()),
    all: (): DeadLetter[] => select.all().map((row) => letterSchema.parse(row)),
    /** Drops what is older than its queue's MessageRetentionPeriod. */
    sweep: () => {
      for (const { name, retentionMs } of queues) expire.run(name, clock.now() - retentionMs);
    },
  };
};
export type DeadLetters = ReturnType<typeof deadLetterTable>;
