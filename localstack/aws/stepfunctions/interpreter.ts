import { holds } from "./choice.ts";
import { type Machine, type Retrier, type State, type Task, TOKEN_RESOURCE } from "./machine.ts";
import { type Documents, fill, place, ResultPathError, RuntimeError, read } from "./paths.ts";

/**
 * Where an execution stands. It is all there is: a restart continues from the cursor and nothing else.
 *
 * - `task`: a Lambda is being called;  `token`: one was asked to arrange for the token to come back
 * - `backoff`: the next try starts at `deadline`;  `wait`: the state ends at `deadline`
 */
export type Cursor = {
  readonly state: string;
  readonly data: unknown;
  /** Milliseconds since the epoch. */
  readonly enteredAt: number;
  readonly phase: "task" | "token" | "backoff" | "wait";
  /** Tries of this state before the current one. */
  readonly attempt: number;
  /** Retries so far, for each retrier of the state. */
  readonly retries: readonly number[];
  /** Milliseconds since the epoch; null = none. */
  readonly deadline: number | null;
  readonly token: string | null;
  /** Whether the function of a token task has returned. */
  readonly submitted: boolean;
  /** History events so far, counted as AWS would write them. */
  readonly events: number;
};

/** How an execution ended by itself. */
export type Ended =
  | { readonly status: "SUCCEEDED"; readonly output: unknown; readonly events: number }
  | ({ readonly status: "FAILED"; readonly events: number } & Failure);

export type Failure = { readonly error: string; readonly cause?: string };
export type Outcome = Cursor | Ended;

/** What does not change during one execution. */
export type Execution = {
  readonly machine: Machine;
  readonly arn: string;
  readonly name: string;
  readonly input: unknown;
  readonly startedAt: number;
  readonly machineArn: string;
  readonly machineName: string;
};

/** The present: the clock's time, a source of task tokens, and who is told of each transition. */
export type Present = {
  readonly now: number;
  readonly newToken: () => string;
  /** Called with each state that is entered, and with a task's at each further try. */
  readonly entered?: ((state: string) => void) | undefined;
};

/** Step Functions ends an execution at this many history events (service quotas). */
const MAX_EVENTS = 25_000;

/** Input and output of a state, UTF-8 JSON (service quotas). */
const MAX_DATA_BYTES = 262_144;

export const isEnded = (outcome: Outcome): outcome is Ended => "status" in outcome;

const timestamp = (ms: number) => new Date(ms).toISOString();

const documentsOf = (execution: Execution, cursor: Cursor): Documents => ({
  data: cursor.data,
  context: {
    Execution: {
      Id: execution.arn,
      Name: execution.name,
      Input: execution.input,
      StartTime: timestamp(execution.startedAt),
    },
    StateMachine: { Id: execution.machineArn, Name: execution.machineName },
    State: {
      Name: cursor.state,
      EnteredTime: timestamp(cursor.enteredAt),
      RetryCount: cursor.attempt,
    },
    ...(cursor.token !== null && { Task: { Token: cursor.token } }),
  },
});

const stateOf = ({ machine }: Execution, name: string): State => {
  const state = machine.States[name];
  if (!state) throw new RuntimeError(`no state ${name}`);
  return state;
};

const taskOf = (execution: Execution, cursor: Cursor): Task => {
  const state = stateOf(execution, cursor.state);
  if (state.Type !== "Task") throw new RuntimeError(`${cursor.state} is no task`);
  return state;
};

const failed = (events: number, { error, cause }: Failure): Ended => ({
  status: "FAILED",
  error,
  ...(cause !== undefined && { cause }),
  events: events + 1,
});

/** Runs `act`; a path or type error ends the execution, as no retrier or catcher sees it. */
const orRuntimeFailure = <T>(events: number, act: () => T): T | Ended => {
  try {
    return act();
  } catch (error) {
    if (error instanceof RuntimeError)
      return failed(events, { error: error.name, cause: error.message });
    throw error;
  }
};

/** The event that a task's function is called with. */
export const payloadOf = (execution: Execution, cursor: Cursor): unknown => {
  const state = taskOf(execution, cursor);
  if (state.Parameters === undefined) return cursor.data;
  const filled = fill(state.Parameters, documentsOf(execution, cursor));
  if (state.Resource !== TOKEN_RESOURCE) return filled;
  return fill(state.Parameters["Payload"], documentsOf(execution, cursor));
};

/** Instant at which the try that starts now times out. */
const timeoutAt = (state: Task, documents: Documents, now: number): number | null => {
  if (state.TimeoutSeconds !== undefined) return now + state.TimeoutSeconds * 1_000;
  if (state.TimeoutSecondsPath === undefined) return null;
  return now + secondsAt(state.TimeoutSecondsPath, documents, 1) * 1_000;
};

const secondsAt = (path: string, documents: Documents, least: number): number => {
  const seconds = read(path, documents);
  if (typeof seconds === "number" && Number.isInteger(seconds) && seconds >= least) return seconds;
  throw new RuntimeError(`'${path}' must be a whole number of seconds, at least ${least}`);
};

/** Starts a try of the task that the cursor stands on. */
const attempt = (execution: Execution, cursor: Cursor, present: Present): Outcome =>
  orRuntimeFailure(cursor.events, () => {
    const state = taskOf(execution, cursor);
    const withToken = state.Resource === TOKEN_RESOURCE;
    const next: Cursor = {
      ...cursor,
      phase: withToken ? "token" : "task",
      token: withToken ? present.newToken() : null,
      submitted: false,
      deadline: timeoutAt(state, documentsOf(execution, cursor), present.now),
      events: cursor.events + 2,
    };
    payloadOf(execution, next);
    return next;
  });

const standingOn = (name: string, data: unknown, events: number, now: number): Cursor => ({
  state: name,
  data,
  enteredAt: now,
  phase: "wait",
  attempt: 0,
  retries: [],
  deadline: null,
  token: null,
  submitted: false,
  events: events + 1,
});

/** What entering one state leads to: an outcome, or the next state to enter. */
const visit = (
  execution: Execution,
  cursor: Cursor,
  present: Present,
): Outcome | { readonly next: string } => {
  const state = stateOf(execution, cursor.state);
  const documents = documentsOf(execution, cursor);
  switch (state.Type) {
    case "Task":
      return attempt(execution, cursor, present);
    case "Choice": {
      const next = state.Choices.find(({ rule }) => holds(rule, documents))?.next ?? state.Default;
      return next === undefined
        ? failed(cursor.events, { error: "States.NoChoiceMatched", cause: `in ${cursor.state}` })
        : { next };
    }
    case "Wait": {
      const seconds = state.Seconds ?? secondsAt(state.SecondsPath ?? "$", documents, 0);
      return { ...cursor, deadline: present.now + seconds * 1_000 };
    }
    case "Succeed":
      return { status: "SUCCEEDED", output: cursor.data, events: cursor.events + 2 };
    case "Fail": {
      const text = (path: string) => String(read(path, documents));
      const error = state.ErrorPath === undefined ? state.Error : text(state.ErrorPath);
      const cause = state.CausePath === undefined ? state.Cause : text(state.CausePath);
      return failed(cursor.events, { error: error ?? "", ...(cause !== undefined && { cause }) });
    }
  }
};

/** Enters `name` and goes on through every state that takes no time. */
const enter = (
  execution: Execution,
  name: string,
  data: unknown,
  events: number,
  present: Present,
): Outcome => {
  let cursor = standingOn(name, data, events, present.now);
  for (;;) {
    present.entered?.(cursor.state);
    if (cursor.events >= MAX_EVENTS)
      return failed(cursor.events, {
        error: "States.Runtime",
        cause: `The execution reached the maximum number of history events (${MAX_EVENTS}).`,
      });
    const here = cursor;
    const found = orRuntimeFailure(here.events, () => visit(execution, here, present));
    if (!("next" in found)) return found;
    cursor = standingOn(found.next, data, cursor.events + 1, present.now);
  }
};

/** Begins an execution with its input. */
export const begin = (execution: Execution, present: Present): Outcome =>
  enter(execution, execution.machine.StartAt, execution.input, 1, present);

/** Leaves the state by its `Next` or `End`. */
const leave = (
  execution: Execution,
  cursor: Cursor,
  output: unknown,
  present: Present,
): Outcome => {
  const state = stateOf(execution, cursor.state);
  const events = cursor.events + 1;
  if (!("Next" in state) || state.Next === undefined)
    return { status: "SUCCEEDED", output, events: events + 1 };
  return enter(execution, state.Next, output, events, present);
};

const DATA_LIMIT: Failure = {
  error: "States.DataLimitExceeded",
  cause:
    "The state returned a result with a size exceeding the maximum number of bytes service limit.",
};

const tooLarge = (data: unknown) => Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES;

/** The function of a token task has returned; the token may come back at any time from now on. */
export const submitted = (cursor: Cursor): Cursor => ({
  ...cursor,
  submitted: true,
  events: cursor.events + 1,
});

/** The task on the cursor produced `result`. */
export const succeed = (
  execution: Execution,
  cursor: Cursor,
  result: unknown,
  present: Present,
): Outcome => {
  const done = { ...cursor, events: cursor.events + 1 };
  if (tooLarge(result)) return fail(execution, cursor, DATA_LIMIT, present);
  try {
    const output = place(taskOf(execution, cursor).ResultPath, cursor.data, result);
    if (tooLarge(output)) return fail(execution, cursor, DATA_LIMIT, present);
    return leave(execution, done, output, present);
  } catch (error) {
    if (error instanceof ResultPathError)
      return fail(execution, cursor, { error: error.name, cause: error.message }, present);
    throw error;
  }
};

/** Errors that neither States.ALL nor States.TaskFailed matches (Step Functions guide, "Handling errors"). */
const TERMINAL: ReadonlySet<string> = new Set(["States.Runtime", "States.DataLimitExceeded"]);

const matches = (names: readonly string[], error: string): boolean =>
  names.includes(error) ||
  (!TERMINAL.has(error) &&
    (names.includes("States.ALL") ||
      (names.includes("States.TaskFailed") && error !== "States.Timeout")));

const delayMs = ({ IntervalSeconds, BackoffRate, MaxDelaySeconds }: Retrier, retries: number) =>
  Math.min(IntervalSeconds * BackoffRate ** retries, MaxDelaySeconds ?? Number.POSITIVE_INFINITY) *
  1_000;

/** The task on the cursor failed: the first retrier that knows the error decides, then the catchers. */
export const fail = (
  execution: Execution,
  cursor: Cursor,
  failure: Failure,
  present: Present,
): Outcome => {
  const state = taskOf(execution, cursor);
  const events = cursor.events + 1;
  const index = state.Retry.findIndex(({ ErrorEquals }) => matches(ErrorEquals, failure.error));
  const chosen = state.Retry[index];
  const retries = cursor.retries[index] ?? 0;
  if (chosen && retries < chosen.MaxAttempts)
    return {
      ...cursor,
      phase: "backoff",
      token: null,
      submitted: false,
      deadline: present.now + delayMs(chosen, retries),
      retries: state.Retry.map((_, at) => (cursor.retries[at] ?? 0) + (at === index ? 1 : 0)),
      events,
    };
  const caught = state.Catch.find(({ ErrorEquals }) => matches(ErrorEquals, failure.error));
  if (!caught) return failed(events, failure);
  const result = {
    Error: failure.error,
    ...(failure.cause !== undefined && { Cause: failure.cause }),
  };
  try {
    const output = place(caught.ResultPath, cursor.data, result);
    if (tooLarge(output)) return failed(events, DATA_LIMIT);
    return enter(execution, caught.Next, output, events + 1, present);
  } catch (error) {
    if (error instanceof ResultPathError)
      return failed(events, { error: error.name, cause: error.message });
    throw error;
  }
};

/** The cursor's deadline has come. */
export const due = (execution: Execution, cursor: Cursor, present: Present): Outcome => {
  switch (cursor.phase) {
    case "wait":
      return leave(execution, cursor, cursor.data, present);
    case "backoff":
      present.entered?.(cursor.state);
      return attempt(execution, { ...cursor, attempt: cursor.attempt + 1 }, present);
    default:
      return fail(execution, cursor, { error: "States.Timeout" }, present);
  }
};
