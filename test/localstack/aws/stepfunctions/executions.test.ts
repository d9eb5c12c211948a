import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { expect, test } from "vitest";
import { misbehaviour } from "../../../../localstack/aws/misbehaviour.ts";
import { scaledClock } from "../../../../localstack/clock.ts";
import {
  functionArn,
  functionResource,
  type Lambdas,
  machineArn,
  machineResource,
  NOON,
  testStack,
  until,
} from "../harness.ts";

const TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken";
const task = (name: string, but: object = {}) => ({
  Type: "Task",
  Resource: functionArn(name),
  End: true,
  ...but,
});
const tokenTask = (name: string, but: object = {}) => ({
  Type: "Task",
  Resource: TOKEN,
  Parameters: { FunctionName: functionArn(name), Payload: { "token.$": "$$.Task.Token" } },
  End: true,
  ...but,
});

const withMachine = async (
  functions: Lambdas,
  States: object,
  { resources = {}, ...options }: Parameters<typeof testStack>[2] & { resources?: object } = {},
) => {
  const stack = await testStack(
    functions,
    {
      ...resources,
      Machine: machineResource("m", { StartAt: Object.keys(States)[0], States }),
    },
    options,
  );
  const sfn = new SFNClient(stack.client);
  const start = async (input: unknown = {}, name = "run-1") => {
    const { executionArn = "" } = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: machineArn("m"),
        name,
        input: JSON.stringify(input),
      }),
    );
    return executionArn;
  };
  const describe = (executionArn: string) =>
    sfn.send(new DescribeExecutionCommand({ executionArn }));
  /** Lets virtual time pass, a day at most, until the execution has ended. */
  const finish = async (executionArn: string) => {
    const ended = async () => (await describe(executionArn)).status !== "RUNNING";
    await stack.clock.runUntil(ended, stack.clock.now() + 86_400_000);
    return describe(executionArn);
  };
  return { ...stack, sfn, start, describe, finish };
};

class TransientError extends Error {
  override readonly name = "TransientError";
}

test("a task's result is the execution's output", async () => {
  await using stack = await withMachine(
    { greet: ({ name }: { name: string }) => ({ text: `hello ${name}` }) },
    { Greet: task("greet", { ResultPath: "$.greeting" }) },
  );
  const ended = await stack.finish(await stack.start({ name: "ada" }));

  expect(ended).toMatchObject({
    status: "SUCCEEDED",
    output: '{"name":"ada","greeting":{"text":"hello ada"}}',
    startDate: new Date(NOON),
  });
});

test("a thrown error is known by its name, its cause is what Lambda reports", async () => {
  await using stack = await withMachine(
    {
      broken: () => {
        throw new TransientError("not now");
      },
    },
    {
      Try: task("broken", {
        Catch: [{ ErrorEquals: ["TransientError"], ResultPath: "$.error", Next: "Caught" }],
      }),
      Caught: { Type: "Succeed" },
    },
  );
  const { output = "" } = await stack.finish(await stack.start());
  const { error } = JSON.parse(output);

  expect(error.Error).toBe("TransientError");
  expect(JSON.parse(error.Cause)).toMatchObject({
    errorType: "TransientError",
    errorMessage: "not now",
  });
});

test("a function is tried again until it succeeds, with the pauses of its retrier", async () => {
  const tries: number[] = [];
  await using stack = await withMachine(
    {
      flaky: () => {
        tries.push(stack.clock.now());
        if (tries.length < 3) throw new TransientError("again");
        return "done";
      },
    },
    {
      Try: task("flaky", { Retry: [{ ErrorEquals: ["TransientError"], IntervalSeconds: 10 }] }),
    },
  );
  const ended = await stack.finish(await stack.start());

  expect(ended.output).toBe('"done"');
  expect(tries.map((at) => (at - NOON) / 1_000)).toEqual([0, 10, 30]);
});

test("a wait lasts as long as its state says", async () => {
  await using stack = await withMachine({}, { W: { Type: "Wait", SecondsPath: "$.n", End: true } });
  const ended = await stack.finish(await stack.start({ n: 3_600 }));

  expect(ended.stopDate).toEqual(new Date(NOON + 3_600_000));
});

test("a function's own time-out is Sandbox.Timedout, the state's is States.Timeout", async () => {
  const never = () => new Promise(() => undefined);
  await using stack = await withMachine(
    { slow: never, slower: never },
    {
      A: task("slow", {
        End: undefined,
        Catch: [{ ErrorEquals: ["Sandbox.Timedout"], ResultPath: "$.a", Next: "B" }],
        Next: "B",
      }),
      B: task("slower", {
        TimeoutSeconds: 2,
        Catch: [{ ErrorEquals: ["States.Timeout"], ResultPath: "$.b", Next: "C" }],
      }),
      C: { Type: "Succeed" },
    },
    { clock: scaledClock(100), resources: { slow: functionResource("slow", { Timeout: 1 }) } },
  );
  const arn = await stack.start();
  await until(async () => (await stack.describe(arn)).status !== "RUNNING");
  const { output = "" } = await stack.describe(arn);

  expect(JSON.parse(output)).toMatchObject({
    a: { Error: "Sandbox.Timedout" },
    b: { Error: "States.Timeout" },
  });
});

test("a function whose reserved concurrency is used up answers Lambda.TooManyRequestsException", async () => {
  await using stack = await withMachine(
    { none: () => "called" },
    { A: task("none") },
    { resources: { none: functionResource("none", { ReservedConcurrentExecutions: 0 }) } },
  );

  expect(await stack.finish(await stack.start())).toMatchObject({
    status: "FAILED",
    error: "Lambda.TooManyRequestsException",
  });
});

test("a token task waits for its token, and a dead token says so", async () => {
  const tokens: string[] = [];
  await using stack = await withMachine(
    { ask: ({ token }: { token: string }) => void tokens.push(token) },
    { Ask: tokenTask("ask") },
  );
  const arn = await stack.start();
  await until(() => tokens.length === 1);
  const answer = new SendTaskSuccessCommand({ taskToken: tokens[0], output: '{"yes":true}' });
  await stack.sfn.send(answer);

  expect(await stack.describe(arn)).toMatchObject({ status: "SUCCEEDED", output: '{"yes":true}' });
  await expect(stack.sfn.send(answer)).rejects.toMatchObject({ name: "TaskTimedOut" });
  await expect(
    stack.sfn.send(new SendTaskSuccessCommand({ taskToken: "invented", output: "1" })),
  ).rejects.toMatchObject({ name: "InvalidToken" });
});

test("a token may be answered before the function that got it returns", async () => {
  await using stack = await withMachine(
    {
      ask: async ({ token }: { token: string }) => {
        await new SFNClient(stack.client).send(
          new SendTaskSuccessCommand({ taskToken: token, output: "1" }),
        );
        throw new Error("too late to matter");
      },
    },
    { Ask: tokenTask("ask") },
  );

  expect(await stack.finish(await stack.start())).toMatchObject({ output: "1" });
});

test("a token task can be failed, and its function's error fails it too", async () => {
  const tokens: string[] = [];
  await using stack = await withMachine(
    {
      ask: ({ token }: { token: string }) => {
        tokens.push(token);
        if (tokens.length === 2) throw new TransientError("no");
      },
    },
    {
      Ask: tokenTask("ask", {
        Retry: [{ ErrorEquals: ["Refused"], MaxAttempts: 1 }],
        Catch: [{ ErrorEquals: ["TransientError"], ResultPath: "$.error", Next: "End" }],
      }),
      End: { Type: "Succeed" },
    },
  );
  const arn = await stack.start();
  await until(() => tokens.length === 1);
  await stack.sfn.send(
    new SendTaskFailureCommand({ taskToken: tokens[0], error: "Refused", cause: "busy" }),
  );
  const { status, output = "" } = await stack.finish(arn);

  expect(status).toBe("SUCCEEDED");
  expect(JSON.parse(output).error.Error).toBe("TransientError");
  expect(tokens[1]).not.toBe(tokens[0]);
});

test("a token nobody answers times out", async () => {
  await using stack = await withMachine(
    { ask: () => undefined },
    { Ask: tokenTask("ask", { TimeoutSecondsPath: "$.limit" }) },
  );
  const ended = await stack.finish(await stack.start({ limit: 600 }));

  expect(ended).toMatchObject({
    status: "FAILED",
    error: "States.Timeout",
    stopDate: new Date(NOON + 600_000),
  });
});

test("a name is used once: equal input while running is the same execution, else an error", async () => {
  await using stack = await withMachine({}, { W: { Type: "Wait", Seconds: 60, End: true } });
  const arn = await stack.start({ n: 1 });

  expect(await stack.start({ n: 1 })).toBe(arn);
  await expect(stack.start({ n: 2 })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
  await stack.finish(arn);
  await expect(stack.start({ n: 1 })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
});

test("a stopped execution is ABORTED and goes no further", async () => {
  let calls = 0;
  await using stack = await withMachine(
    { work: () => void calls++ },
    { W: { Type: "Wait", Seconds: 60, Next: "A" }, A: task("work") },
  );
  const arn = await stack.start();
  await stack.sfn.send(
    new StopExecutionCommand({ executionArn: arn, error: "Stopped", cause: "by hand" }),
  );
  await stack.clock.runUntil(() => false, NOON + 120_000);

  expect(await stack.describe(arn)).toMatchObject({
    status: "ABORTED",
    error: "Stopped",
    cause: "by hand",
  });
  expect(calls).toBe(0);
});

test("unknown machines, executions, names and inputs are refused by AWS's names", async () => {
  await using stack = await withMachine({}, { S: { Type: "Succeed" } });
  const start = (but: object) =>
    stack.sfn.send(new StartExecutionCommand({ stateMachineArn: machineArn("m"), ...but }));

  await expect(start({ stateMachineArn: machineArn("x") })).rejects.toMatchObject({
    name: "StateMachineDoesNotExist",
  });
  await expect(start({ name: "a b" })).rejects.toMatchObject({ name: "InvalidName" });
  await expect(start({ input: "{" })).rejects.toMatchObject({ name: "InvalidExecutionInput" });
  await expect(
    stack.describe("arn:aws:states:us-east-1:000000000000:execution:m:none"),
  ).rejects.toMatchObject({ name: "ExecutionDoesNotExist" });
  await expect(stack.describe("none")).rejects.toMatchObject({ name: "InvalidArn" });
});

test("misbehaviour throttles calls by AWS's name", async () => {
  await using stack = await withMachine(
    {},
    { S: { Type: "Succeed" } },
    { misbehaviour: misbehaviour({ seed: 1, throttle: 1 }) },
  );

  await expect(stack.start()).rejects.toMatchObject({ name: "ThrottlingException" });
});
