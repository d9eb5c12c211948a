import { expect, test } from "vitest";
import {
  begin,
  type Cursor,
  due,
  type Execution,
  fail,
  isEnded,
  type Outcome,
  payloadOf,
  succeed,
} from "../../../../localstack/aws/stepfunctions/interpreter.ts";
import { parseMachine } from "../../../../localstack/aws/stepfunctions/machine.ts";

const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f";
const START = Date.parse("2026-11-22T10:00:00Z");
let now = START;
const present = () => ({ now, newToken: () => "token-1" });

const execution = (States: object, input: unknown = {}): Execution => ({
  machine: parseMachine({ StartAt: Object.keys(States)[0], States }),
  arn: "arn:aws:states:us-east-1:000000000000:execution:m:run-1",
  name: "run-1",
  input,
  startedAt: START,
  machineArn: "arn:aws:states:us-east-1:000000000000:stateMachine:m",
  machineName: "m",
});
const task = (but: object = {}) => ({ Type: "Task", Resource: FUNCTION, End: true, ...but });
const running = (outcome: Outcome): Cursor => {
  if (isEnded(outcome)) throw new Error(`ended: ${JSON.stringify(outcome)}`);
  return outcome;
};
const start = (run: Execution) => {
  now = START;
  return running(begin(run, present()));
};
const failedWith = (run: Execution, cursor: Cursor, error: string) =>
  fail(run, cursor, { error, cause: "because" }, present());

test("parameters read the state's input and the context", () => {
  const run = execution(
    {
      A: task({
        Parameters: {
          "id.$": "$.ids[1]",
          "name.$": "$$.Execution.Name",
          "state.$": "$$.State.Name",
          "now.$": "$$.State.EnteredTime",
          fixed: { "deep.$": "$['a b']" },
        },
      }),
    },
    { ids: ["x", "y"], "a b": 1 },
  );

  expect(payloadOf(run, start(run))).toEqual({
    id: "y",
    name: "run-1",
    state: "A",
    now: "2026-11-22T10:00:00.000Z",
    fixed: { deep: 1 },
  });
});

test("a parameter without a value ends the execution, past every catcher", () => {
  const run = execution({
    A: task({
      Parameters: { "id.$": "$.id" },
      Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }],
    }),
    B: { Type: "Succeed" },
  });

  expect(begin(run, present())).toMatchObject({ status: "FAILED", error: "States.Runtime" });
});

test.each([
  ["$", { r: 1 }],
  ["$.a.b", { id: 7, a: { b: { r: 1 } } }],
  [null, { id: 7 }],
])("a result goes to %s", (ResultPath, output) => {
  const run = execution({ A: task({ ResultPath }) }, { id: 7 });

  expect(succeed(run, start(run), { r: 1 }, present())).toMatchObject({
    status: "SUCCEEDED",
    output,
  });
});

test("a result path through a text is an error that can be caught", () => {
  const run = execution(
    {
      A: task({
        ResultPath: "$.id.x",
        Catch: [
          { ErrorEquals: ["States.ResultPathMatchFailure"], ResultPath: "$.error", Next: "B" },
        ],
      }),
      B: task(),
    },
    { id: "text" },
  );

  expect(running(succeed(run, start(run), 1, present()))).toMatchObject({ state: "B" });
});

test("retries wait IntervalSeconds times BackoffRate, at most MaxDelaySeconds, then the error stands", () => {
  const run = execution({
    A: task({
      Retry: [
        {
          ErrorEquals: ["TransientError"],
          IntervalSeconds: 2,
          BackoffRate: 3,
          MaxAttempts: 4,
          MaxDelaySeconds: 30,
        },
      ],
    }),
  });
  let cursor = start(run);
  const pauses: number[] = [];
  for (let retry = 0; retry < 4; retry++) {
    cursor = running(failedWith(run, cursor, "TransientError"));
    pauses.push(((cursor.deadline ?? 0) - now) / 1_000);
    now = cursor.deadline ?? 0;
    cursor = running(due(run, cursor, present()));
    expect(cursor).toMatchObject({ phase: "task", attempt: retry + 1 });
  }

  expect(pauses).toEqual([2, 6, 18, 30]);
  expect(failedWith(run, cursor, "TransientError")).toMatchObject({
    status: "FAILED",
    error: "TransientError",
    cause: "because",
  });
});

test("each retrier counts for itself and the first that knows the error decides", () => {
  const run = execution({
    A: task({
      Retry: [
        { ErrorEquals: ["A"], MaxAttempts: 1 },
        { ErrorEquals: ["B", "A"], MaxAttempts: 1 },
      ],
    }),
  });
  const afterA = running(failedWith(run, start(run), "A"));
  const again = running(due(run, afterA, present()));
  const afterB = running(failedWith(run, again, "B"));

  expect(afterB.retries).toEqual([1, 1]);
  expect(failedWith(run, running(due(run, afterB, present())), "A")).toMatchObject({ error: "A" });
});

test("MaxAttempts 0 never retries", () => {
  const run = execution({
    A: task({
      Retry: [{ ErrorEquals: ["A"], MaxAttempts: 0 }, { ErrorEquals: ["States.ALL"] }],
    }),
  });

  expect(failedWith(run, start(run), "A")).toMatchObject({ status: "FAILED", error: "A" });
});

test.each([
  ["States.TaskFailed", "TransientError", true],
  ["States.TaskFailed", "Sandbox.Timedout", true],
  ["States.TaskFailed", "States.Timeout", false],
  ["States.Timeout", "States.Timeout", true],
  ["States.ALL", "States.Timeout", true],
  ["States.ALL", "States.DataLimitExceeded", false],
  ["States.DataLimitExceeded", "States.DataLimitExceeded", true],
  ["TransientError", "OtherError", false],
])("a catcher of %s catches %s: %s", (name, error, caught) => {
  const run = execution({
    A: task({ Catch: [{ ErrorEquals: [name], ResultPath: "$.error", Next: "B" }] }),
    B: task(),
  });
  const outcome = failedWith(run, start(run), error);

  if (caught)
    expect(outcome).toMatchObject({
      state: "B",
      data: { error: { Error: error, Cause: "because" } },
    });
  else expect(outcome).toMatchObject({ status: "FAILED", error });
});

test("time-outs run from the start of each try", () => {
  const run = execution(
    {
      A: task({
        TimeoutSecondsPath: "$.limit",
        Retry: [{ ErrorEquals: ["States.Timeout"], IntervalSeconds: 5 }],
      }),
    },
    { limit: 20 },
  );
  const first = start(run);
  expect(first.deadline).toBe(START + 20_000);

  now = START + 20_000;
  const backoff = running(due(run, first, present()));
  expect(backoff).toMatchObject({ phase: "backoff", deadline: now + 5_000 });

  now += 5_000;
  expect(running(due(run, backoff, present())).deadline).toBe(now + 20_000);
});

test.each([0, -1, 1.5, "20"])("a time-out of %j ends the execution", (limit) => {
  const run = execution({ A: task({ TimeoutSecondsPath: "$.limit" }) }, { limit });

  expect(begin(run, present())).toMatchObject({ status: "FAILED", error: "States.Runtime" });
});

test("an uncaught time-out is States.Timeout without a cause", () => {
  const run = execution({ A: task({ TimeoutSeconds: 1 }) });
  const ended = due(run, start(run), present());

  expect(ended).toMatchObject({ status: "FAILED", error: "States.Timeout" });
  expect(ended).not.toHaveProperty("cause");
});

test("a result of more than 256 KB is refused", () => {
  const run = execution({ A: task() });

  expect(succeed(run, start(run), "x".repeat(262_143), present())).toMatchObject({
    status: "FAILED",
    error: "States.DataLimitExceeded",
  });
});

const choosing = (Choices: object[], input: unknown, Default?: string) =>
  begin(
    execution(
      {
        A: {
          Type: "Choice",
          Choices: Choices.map((rule) => ({ ...rule, Next: "Yes" })),
          ...(Default && { Default }),
        },
        Yes: { Type: "Succeed" },
        ...(Default && { No: { Type: "Fail", Error: "no" } }),
      },
      input,
    ),
    present(),
  );

test.each<[object, unknown, boolean]>([
  [{ Variable: "$.s", StringEquals: "a" }, { s: "a" }, true],
  [{ Variable: "$.s", StringEquals: "1" }, { s: 1 }, false],
  [{ Variable: "$.b", BooleanEquals: false }, { b: false }, true],
  [{ Variable: "$.n", NumericGreaterThan: 3 }, { n: 4 }, true],
  [{ Variable: "$.n", NumericGreaterThan: 3 }, { n: 3 }, false],
  [{ Variable: "$.n", NumericGreaterThan: 3 }, { n: "4" }, false],
  [{ Variable: "$.x", IsPresent: false }, {}, true],
  [{ Not: { Variable: "$.x", IsPresent: true } }, { x: null }, false],
  [
    {
      And: [
        { Variable: "$.x", IsPresent: true },
        { Variable: "$.x", StringEquals: "a" },
      ],
    },
    {},
    false,
  ],
  [
    {
      Or: [
        { Variable: "$.x", StringEquals: "a" },
        { Variable: "$.x", StringEquals: "b" },
      ],
    },
    { x: "b" },
    true,
  ],
])("choice %j of %j: %s", (rule, input, chosen) => {
  expect(choosing([rule], input, "No")).toMatchObject({ status: chosen ? "SUCCEEDED" : "FAILED" });
});

test("a choice without a match and without a default fails", () => {
  expect(choosing([{ Variable: "$.s", StringEquals: "a" }], { s: "b" })).toMatchObject({
    error: "States.NoChoiceMatched",
  });
});

test("a comparison with an absent variable ends the execution", () => {
  expect(choosing([{ Variable: "$.s", StringEquals: "a" }], {}, "No")).toMatchObject({
    error: "States.Runtime",
  });
});

test("a Fail state takes its error and cause from the input", () => {
  const run = execution(
    { A: { Type: "Fail", ErrorPath: "$.error.Error", CausePath: "$.error.Cause" } },
    { error: { Error: "E", Cause: "C" } },
  );

  expect(begin(run, present())).toMatchObject({ status: "FAILED", error: "E", cause: "C" });
});

test("history events are counted as AWS writes them", () => {
  const run = execution({
    A: task({ End: undefined, Next: "Decide", Retry: [{ ErrorEquals: ["E"] }] }),
    Decide: { Type: "Choice", Choices: [{ Variable: "$", IsPresent: true, Next: "W" }] },
    W: { Type: "Wait", Seconds: 1, Next: "S" },
    S: { Type: "Succeed" },
  });
  // ExecutionStarted, TaskStateEntered, LambdaFunctionScheduled, LambdaFunctionStarted
  const first = start(run);
  expect(first.events).toBe(4);
  // LambdaFunctionFailed; Scheduled, Started again
  const second = running(due(run, running(failedWith(run, first, "E")), present()));
  expect(second.events).toBe(7);
  // LambdaFunctionSucceeded, TaskStateExited, ChoiceStateEntered, ChoiceStateExited, WaitStateEntered
  const waiting = running(succeed(run, second, {}, present()));
  expect(waiting.events).toBe(12);
  // WaitStateExited, SucceedStateEntered, SucceedStateExited, ExecutionSucceeded
  expect(due(run, waiting, present())).toMatchObject({ status: "SUCCEEDED", events: 16 });
});

test("a loop that never rests ends at the history's limit", () => {
  const run = execution({
    A: { Type: "Choice", Choices: [{ Variable: "$", IsPresent: true, Next: "B" }] },
    B: { Type: "Choice", Choices: [{ Variable: "$", IsPresent: true, Next: "A" }] },
  });

  expect(begin(run, present())).toMatchObject({ status: "FAILED", error: "States.Runtime" });
});
