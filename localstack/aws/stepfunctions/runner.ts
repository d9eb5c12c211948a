import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { Functions, Invocation } from "../lambda/functions.ts";
import type { Observer } from "../observer.ts";
import type { ExecutionRow, ExecutionStore } from "./executions.ts";
import {
  begin,
  type Cursor,
  due,
  type Execution,
  type Failure,
  fail,
  isEnded,
  type Outcome,
  type Present,
  payloadOf,
  submitted,
  succeed,
} from "./interpreter.ts";
import { functionArnOf, type Machine, parseMachine } from "./machine.ts";

/** One running execution in memory; the store holds the same, committed. */
type Live = {
  readonly execution: Execution;
  row: ExecutionRow;
  cursor: Cursor;
  cancelTimer: () => void;
};

/**
 * Random part and the execution it belongs to, so that a token of the past is told from an invented
 * one. Nobody but this file may read it.
 */
const encodeToken = (arn: string) =>
  Buffer.from(`${randomBytes(18).toString("base64url")} ${arn}`).toString("base64url");

/** The execution that a token names; undefined for something that never was a token. */
export const executionOfToken = (token: string): string | undefined =>
  /^[\w-]{24} (arn:aws:states:\S+)$/.exec(Buffer.from(token, "base64url").toString())?.[1];

/** What a function's end means to the task that called it. */
const failureOf = (error: Extract<Invocation, { outcome: "failed" }>["error"]): Failure => ({
  error: error.errorType,
  cause: JSON.stringify(error),
});

const jsonOf = (value: unknown): { value: unknown } | { failure: Failure } => {
  try {
    const text = JSON.stringify(value);
    return { value: text === undefined ? null : JSON.parse(text) };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { failure: { error: "Runtime.MarshalError", cause } };
  }
};

/** How soon a step whose commit failed is made again. */
const COMMIT_PAUSE_MS = 5_000;

/** Runs executions: one row each, one commit per finished step, one timer each at most. */
export const executionRunner = (options: {
  store: ExecutionStore;
  clock: Clock;
  functions: Functions;
  observer?: Observer | undefined;
  log: (line: string) => void;
}) => {
  const { store, clock, functions, observer, log } = options;
  const live = new Map<string, Live>();
  const machines = new Map<string, Machine>();
  let closed = false;

  const present = (arn: string): Present => ({
    now: clock.now(),
    newToken: () => encodeToken(arn),
    entered: observer?.transition && ((state) => observer.transition?.(arn, state)),
  });

  const machineOf = (key: string): Machine => {
    const known = machines.get(key) ?? parseMachine(store.definition(key));
    machines.set(key, known);
    return known;
  };

  const executionOf = (row: ExecutionRow): Execution => ({
    machine: machineOf(row.definition),
    arn: row.arn,
    name: row.name,
    input: JSON.parse(row.input),
    startedAt: row.startedAt,
    machineArn: row.machineArn,
    machineName: row.machineArn.split(":").at(-1) ?? "",
  });

  const progressed = (row: ExecutionRow, outcome: Outcome): ExecutionRow => {
    if (!isEnded(outcome)) return { ...row, events: outcome.events, cursor: outcome };
    const ended = { ...row, events: outcome.events, cursor: null, stoppedAt: clock.now() };
    return outcome.status === "SUCCEEDED"
      ? { ...ended, status: "SUCCEEDED", output: JSON.stringify(outcome.output) }
      : { ...ended, status: "FAILED", error: outcome.error, cause: outcome.cause ?? null };
  };

  /** Commits where a step led to, then acts on it. Nothing has changed when the commit fails. */
  const advance = (entry: Live, outcome: Outcome) => {
    const row = progressed(entry.row, outcome);
    store.save(row);
    entry.cancelTimer();
    entry.row = row;
    if (isEnded(outcome)) {
      live.delete(row.arn);
      if (outcome.status === "FAILED")
        log(`execution ${row.name} failed: ${outcome.error} ${outcome.cause ?? ""}`);
      return;
    }
    entry.cursor = outcome;
    act(entry);
  };

  /** A step that could not be committed, say on a full disk, is made again a little later. */
  const again = (entry: Live, error: unknown) => {
    if (closed) return;
    log(`execution ${entry.row.name} cannot go on: ${error}`);
    const { cursor } = entry;
    entry.cancelTimer();
    entry.cancelTimer = clock.at(clock.now() + COMMIT_PAUSE_MS, () => {
      if (!closed && entry.cursor === cursor) act(entry);
    });
  };

  const timeIsUp = (entry: Live) => {
    try {
      advance(entry, due(entry.execution, entry.cursor, present(entry.row.arn)));
    } catch (error) {
      again(entry, error);
    }
  };

  /** Calls the function or sets the timer that the cursor asks for. */
  const act = (entry: Live) => {
    const { cursor } = entry;
    if (cursor.deadline !== null)
      entry.cancelTimer = clock.at(cursor.deadline, () => {
        if (!closed && entry.cursor === cursor) timeIsUp(entry);
      });
    if (cursor.phase === "task" || (cursor.phase === "token" && !cursor.submitted))
      call(entry, cursor).catch((error) => again(entry, error));
  };

  const call = async (entry: Live, cursor: Cursor) => {
    const { execution } = entry;
    const state = execution.machine.States[cursor.state];
    if (state?.Type !== "Task") throw new Error(`${cursor.state} is no task`);
    const payload = structuredClone(payloadOf(execution, cursor));
    const invocation = await functions.invoke(functionArnOf(state), payload);
    if (closed || invocation.outcome === "closing" || entry.cursor !== cursor) return;
    if (!live.has(execution.arn)) return;
    if (invocation.outcome !== "returned")
      return advance(
        entry,
        fail(execution, cursor, failureOf(invocation.error), present(execution.arn)),
      );
    if (cursor.phase === "token") return advance(entry, submitted(cursor));
    const result = jsonOf(invocation.result);
    const next =
      "failure" in result
        ? fail(execution, cursor, result.failure, present(execution.arn))
        : succeed(execution, cursor, result.value, present(execution.arn));
    advance(entry, next);
  };

  const follow = (row: ExecutionRow, cursor: Cursor) => {
    const entry = { execution: executionOf(row), row, cursor, cancelTimer: () => undefined };
    live.set(row.arn, entry);
    return entry;
  };

  return {
    start: (
      given: Pick<ExecutionRow, "arn" | "machineArn" | "name" | "definition" | "input">,
    ): ExecutionRow => {
      const fresh: ExecutionRow = {
        ...given,
        startedAt: clock.now(),
        status: "RUNNING",
        stoppedAt: null,
        output: null,
        error: null,
        cause: null,
        events: 0,
        cursor: null,
      };
      const outcome = begin(executionOf(fresh), present(fresh.arn));
      const row = progressed(fresh, outcome);
      store.add(row);
      if (!isEnded(outcome)) act(follow(row, outcome));
      return row;
    },

    /**
     * Continues every running execution after a restart. A try whose time ran out meanwhile times
     * out; one that was under way is made again, a token task with the same token.
     */
    resume: (): number => {
      const rows = store.running();
      for (const row of rows) {
        if (!row.cursor) continue;
        const entry = follow(row, row.cursor);
        const { deadline } = row.cursor;
        if (deadline !== null && deadline <= clock.now()) timeIsUp(entry);
        else act(entry);
      }
      return rows.length;
    },

    /** Ends a running execution from outside. */
    abort: (arn: string, failure: { error?: string | undefined; cause?: string | undefined }) => {
      const entry = live.get(arn);
      if (!entry) return;
      store.save({
        ...entry.row,
        status: "ABORTED",
        stoppedAt: clock.now(),
        error: failure.error ?? null,
        cause: failure.cause ?? null,
        events: entry.row.events + 1,
        cursor: null,
      });
      entry.cancelTimer();
      live.delete(arn);
    },

    /**
     * Answers a waiting token task.
     *
     * @returns whether the token is the one its execution waits for
     */
    answer: (token: string, result: { output: unknown } | { failure: Failure }): boolean => {
      const entry = live.get(executionOfToken(token) ?? "");
      if (!entry || entry.cursor.token !== token) return false;
      const now = present(entry.execution.arn);
      advance(
        entry,
        "failure" in result
          ? fail(entry.execution, entry.cursor, result.failure, now)
          : succeed(entry.execution, entry.cursor, result.output, now),
      );
      return true;
    },

    close: () => {
      closed = true;
      for (const entry of live.values()) entry.cancelTimer();
    },
  };
};
export type ExecutionRunner = ReturnType<typeof executionRunner>;
