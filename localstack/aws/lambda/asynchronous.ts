import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { type Clock, sleep } from "../../clock.ts";
import type { DeadLetters } from "../dead-letters.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import { transaction } from "../sqlite.ts";
import type { FunctionModel } from "../template/model.ts";
import type { Functions, InvocationError } from "./functions.ts";

/** Waits before the first and the second retry (Lambda developer guide, "Asynchronous invocation"). */
const RETRY_DELAYS_MS = [60_000, 120_000] as const;

/** How many events of one function are worked on at once, so that a burst does not fill the memory. */
const MAX_AT_ONCE = 100;

const queuedSchema = z.object({ id: z.string(), function: z.string() });
const rowSchema = z.object({
  event: z.string(),
  tries: z.number(),
  enqueued_at: z.number(),
});
type Row = z.infer<typeof rowSchema>;

/** How soon an event whose outcome could not be committed is worked on again. */
const COMMIT_PAUSE_MS = 5_000;

type Condition = "RetriesExhausted" | "EventAgeExceeded";

/** What Lambda sends to an on-failure destination (developer guide, "Invocation record"). */
const invocationRecord = (options: {
  id: string;
  fn: FunctionModel;
  row: Row;
  condition: Condition;
  error: InvocationError | undefined;
  now: number;
}) => ({
  version: "1.0",
  timestamp: new Date(options.now).toISOString(),
  requestContext: {
    requestId: options.id,
    functionArn: `${options.fn.arn}:$LATEST`,
    condition: options.condition,
    approximateInvokeCount: options.row.tries,
  },
  requestPayload: JSON.parse(options.row.event),
  ...(options.error && {
    responseContext: {
      statusCode: 200,
      executedVersion: "$LATEST",
      functionError: "Unhandled",
    },
    responsePayload: options.error,
  }),
});

/**
 * Lambda's own queue of events that nobody waits for. It is durable; an event leaves it when its
 * function has returned, or for the dead letters. Events keep no order.
 */
export const asynchronousQueue = (options: {
  sqlite: DatabaseSync;
  clock: Clock;
  misbehaviour: Misbehaviour;
  functions: Functions;
  models: readonly FunctionModel[];
  deadLetters: DeadLetters;
  log: (line: string) => void;
}) => {
  const { sqlite, clock, misbehaviour, functions, deadLetters, log } = options;
  sqlite.exec(`
    CREATE TABLE IF NOT EXISTS asynchronous_events (
      id TEXT PRIMARY KEY,
      function TEXT NOT NULL,
      event TEXT NOT NULL,
      origin TEXT,
      tries INTEGER NOT NULL DEFAULT 0,
      enqueued_at INTEGER NOT NULL,
      due_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS asynchronous_events_due ON asynchronous_events (function, due_at);
    CREATE INDEX IF NOT EXISTS asynchronous_events_next ON asynchronous_events (due_at);
  `);
  const insert = sqlite.prepare(
    `INSERT INTO asynchronous_events (id, function, event, origin, enqueued_at, due_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const dueOf = sqlite.prepare(
    `SELECT id, function FROM asynchronous_events WHERE function = ? AND due_at <= ?
     ORDER BY due_at LIMIT ?`,
  );
  const nextDue = sqlite.prepare(
    "SELECT min(due_at) AS at FROM asynchronous_events WHERE due_at > ?",
  );
  const get = sqlite.prepare(
    "SELECT event, tries, enqueued_at FROM asynchronous_events WHERE id = ?",
  );
  const postpone = sqlite.prepare(
    "UPDATE asynchronous_events SET tries = ?, due_at = ? WHERE id = ?",
  );
  const remove = sqlite.prepare("DELETE FROM asynchronous_events WHERE id = ?");
  const originDue = sqlite.prepare(
    "SELECT count(*) AS n FROM asynchronous_events WHERE origin = ? AND due_at <= ?",
  );

  const models = new Map(options.models.map((model) => [model.arn, model]));
  const underWay = new Map<string, Set<string>>(options.models.map(({ arn }) => [arn, new Set()]));
  let cancelTimer = () => {};
  const stop = new AbortController();

  const discard = (
    id: string,
    fn: FunctionModel,
    row: Row,
    condition: Condition,
    error?: InvocationError,
  ) => {
    const { onFailure, deadLetters: queue } = fn.asynchronous;
    log(`event ${id} for ${fn.name} given up: ${condition} ${error?.errorMessage ?? ""}`);
    transaction(sqlite, () => {
      remove.run(id);
      const record = { id, fn, row, condition, error, now: clock.now() };
      if (onFailure) deadLetters.add(onFailure, invocationRecord(record));
      if (queue) deadLetters.add(queue, JSON.parse(row.event));
    });
  };

  const failed = (id: string, fn: FunctionModel, row: Row, error: InvocationError) => {
    const tried = { ...row, tries: row.tries + 1 };
    const delay = RETRY_DELAYS_MS[row.tries];
    if (delay === undefined || row.tries >= fn.asynchronous.maximumRetryAttempts)
      return discard(id, fn, tried, "RetriesExhausted", error);
    const dueAt = clock.now() + delay;
    if (dueAt > row.enqueued_at + fn.asynchronous.maximumEventAgeMs)
      return discard(id, fn, tried, "EventAgeExceeded", error);
    postpone.run(tried.tries, dueAt, id);
  };

  const work = async (id: string, fn: FunctionModel) => {
    const row = rowSchema.parse(get.get(id));
    if (clock.now() > row.enqueued_at + fn.asynchronous.maximumEventAgeMs)
      return discard(id, fn, row, "EventAgeExceeded");
    const invocation = await functions.invoke(fn.arn, JSON.parse(row.event), id);
    if (stop.signal.aborted) return;
    if (invocation.outcome === "returned") remove.run(id);
    if (invocation.outcome === "failed") failed(id, fn, row, invocation.error);
  };

  const start = (id: string, fn: FunctionModel, busy: Set<string>) => {
    busy.add(id);
    work(id, fn)
      .catch((error) => {
        log(`event ${id} for ${fn.name} cannot go on: ${error}`);
        return sleep(clock, COMMIT_PAUSE_MS, stop.signal);
      })
      .finally(() => {
        busy.delete(id);
        pump();
      });
  };

  const pumpOne = (fn: FunctionModel, busy: Set<string>) => {
    const room = Math.min(MAX_AT_ONCE - busy.size, functions.room(fn.arn));
    if (room <= 0) return;
    const due = dueOf
      .all(fn.arn, clock.now(), room + busy.size)
      .map((row) => queuedSchema.parse(row))
      .filter(({ id }) => !busy.has(id));
    for (const { id } of due.slice(0, room)) start(id, fn, busy);
  };

  /** Starts what is due as far as there is room, and comes back when the next event is due. */
  const pump = () => {
    if (stop.signal.aborted) return;
    for (const [arn, busy] of underWay) {
      const fn = models.get(arn);
      if (fn) pumpOne(fn, busy);
    }
    cancelTimer();
    const { at } = z.object({ at: z.number().nullable() }).parse(nextDue.get(clock.now()));
    cancelTimer = at === null ? () => {} : clock.at(at, pump);
  };
  functions.onRoom(pump);

  return {
    /** Adds an event inside the caller's transaction; call `pump` after it. */
    add: (functionArn: string, event: unknown, origin: string | null = null) => {
      const copies = misbehaviour.duplicates() ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const now = clock.now();
        const due = now + misbehaviour.delayMs();
        insert.run(randomUUID(), functionArn, JSON.stringify(event), origin, now, due);
      }
    },
    pump,
    /** Whether an event of `origin` is under way or due, as opposed to one that waits for its retry. */
    isBusy: (origin: string): boolean =>
      z.object({ n: z.number() }).parse(originDue.get(origin, clock.now())).n > 0,
    close: () => {
      cancelTimer();
      stop.abort();
    },
  };
};
export type AsynchronousQueue = ReturnType<typeof asynchronousQueue>;
