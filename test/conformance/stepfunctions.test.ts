// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation spells its substitutions so
import { setTimeout as pause } from "node:timers/promises";
import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, deploy, inlineFunction, stateMachine } from "./deployment.ts";

const run = crypto.randomUUID().slice(0, 8);
const machineArn = (name: string) =>
  `arn:aws:states:us-east-1:000000000000:stateMachine:${name}-${run}`;

const FUNCTIONS = {
  Echo: "exports.handler = async (event) => event",
  Nothing: "exports.handler = async () => {}",
  Throws: `
    exports.handler = async ({ name = "TransientError" } = {}) => {
      throw Object.assign(new Error("not now"), { name });
    }`,
  /** Fails twice for each execution, then succeeds. */
  Flaky: `
    const tries = {};
    exports.handler = async ({ id }) => {
      tries[id] = (tries[id] ?? 0) + 1;
      if (tries[id] < 3) throw Object.assign(new Error("again"), { name: "TransientError" });
      return { tries: tries[id] };
    }`,
  Slow: "exports.handler = () => new Promise((resolve) => setTimeout(resolve, 5_000))",
  /** Answers its own token, as \`what\` says. */
  Answer: `
    exports.handler = async ({ token, what }) => {
      const [operation, body] = what === "fail"
        ? ["SendTaskFailure", { error: "Refused", cause: "busy" }]
        : ["SendTaskSuccess", { output: JSON.stringify({ answered: true }) }];
      if (what === "never") return;
      if (what === "throw") throw Object.assign(new Error("no"), { name: "TransientError" });
      await fetch(process.env.AWS_ENDPOINT_URL, {
        method: "POST",
        headers: {
          "X-Amz-Target": "AWSStepFunctions." + operation,
          "Content-Type": "application/x-amz-json-1.0",
          Authorization: "AWS4-HMAC-SHA256 Credential=" + process.env.AWS_ACCESS_KEY_ID
            + "/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0",
        },
        body: JSON.stringify({ taskToken: token, ...body }),
      });
    }`,
};

const task = (fn: keyof typeof FUNCTIONS, but: object = {}) => ({
  Type: "Task",
  Resource: `\${${fn}}`,
  End: true,
  ...but,
});
const token = (but: object = {}) => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
  Parameters: {
    FunctionName: "${Answer}",
    Payload: { "token.$": "$$.Task.Token", "what.$": "$.what" },
  },
  End: true,
  ...but,
});
const caught = (error: string) => ({
  Catch: [{ ErrorEquals: [error], ResultPath: "$.error", Next: "Caught" }],
});
const Caught = { Type: "Succeed" };
const is = (rule: object) => ({
  A: { Type: "Choice", Choices: [{ ...rule, Next: "Yes" }], Default: "No" },
  Yes: { Type: "Succeed" },
  No: { Type: "Fail", Error: "No" },
});

const MACHINES: Readonly<Record<string, object>> = {
  parameters: {
    A: task("Echo", {
      Parameters: {
        "id.$": "$.list[1]",
        "run.$": "$$.Execution.Name",
        "state.$": "$$.State.Name",
        "at.$": "$$.State.EnteredTime",
        nested: { "all.$": "$" },
      },
    }),
  },
  resultPath: { A: task("Echo", { Parameters: { r: 1 }, ResultPath: "$.a.b" }) },
  resultDropped: { A: task("Echo", { Parameters: { r: 1 }, ResultPath: null }) },
  nothing: { A: task("Nothing") },
  missing: {
    A: task("Echo", { Parameters: { "x.$": "$.absent" }, ...caught("States.ALL") }),
    Caught,
  },
  retry: {
    A: task("Flaky", {
      Parameters: { "id.$": "$$.Execution.Name" },
      Retry: [{ ErrorEquals: ["TransientError"], IntervalSeconds: 1, BackoffRate: 1 }],
    }),
  },
  retryAll: {
    A: task("Flaky", {
      Parameters: { "id.$": "$$.Execution.Name" },
      Retry: [{ ErrorEquals: ["States.ALL"], IntervalSeconds: 1, BackoffRate: 1 }],
    }),
  },
  retriesUsedUp: {
    A: task("Throws", {
      Retry: [{ ErrorEquals: ["States.TaskFailed"], IntervalSeconds: 1, MaxAttempts: 1 }],
      ...caught("States.ALL"),
    }),
    Caught,
  },
  uncaught: { A: task("Throws") },
  byName: { A: task("Throws", caught("TransientError")), Caught },
  byTaskFailed: { A: task("Throws", caught("States.TaskFailed")), Caught },
  otherName: { A: task("Throws", caught("OtherError")), Caught },
  timeout: { A: task("Slow", { TimeoutSeconds: 1, ...caught("States.Timeout") }), Caught },
  timeoutIsNoTaskFailed: {
    A: task("Slow", { TimeoutSeconds: 1, ...caught("States.TaskFailed") }),
    Caught,
  },
  timeoutPath: {
    A: task("Slow", { TimeoutSecondsPath: "$.limit", ...caught("States.Timeout") }),
    Caught,
  },
  functionTimeout: {
    A: task("Slow", { Resource: "${Short}", ...caught("Sandbox.Timedout") }),
    Caught,
  },
  token: { A: token() },
  tokenCaught: { A: token(caught("Refused")), Caught },
  tokenTimeout: { A: token({ TimeoutSeconds: 1, ...caught("States.Timeout") }), Caught },
  tokenThrows: { A: token({ TimeoutSeconds: 10, ...caught("TransientError") }), Caught },
  wait: { A: { Type: "Wait", SecondsPath: "$.n", End: true } },
  long: { A: { Type: "Wait", Seconds: 60, End: true } },
  failure: { A: { Type: "Fail", ErrorPath: "$.e", CausePath: "$.c" } },
  noMatch: {
    A: { Type: "Choice", Choices: [{ Variable: "$.x", IsPresent: true, Next: "B" }] },
    B: Caught,
  },
  isText: is({ Variable: "$.x", StringEquals: "a" }),
  isTrue: is({ Variable: "$.x", BooleanEquals: true }),
  isMore: is({ Variable: "$.x", NumericGreaterThan: 3 }),
  isPresent: is({ Variable: "$.x", IsPresent: true }),
  isNot: is({ Not: { Variable: "$.x", StringEquals: "a" } }),
  isBoth: is({
    And: [
      { Variable: "$.x", IsPresent: true },
      { Variable: "$.x", StringEquals: "a" },
    ],
  }),
  isEither: is({
    Or: [
      { Variable: "$.x", StringEquals: "a" },
      { Variable: "$.x", StringEquals: "b" },
    ],
  }),
};

let deployment: Deployment;
let sfn: SFNClient;

beforeAll(async () => {
  const ids = [...Object.keys(FUNCTIONS), "Short"];
  deployment = await deploy({
    ...Object.fromEntries(
      Object.entries(FUNCTIONS).map(([id, source]) => [id, inlineFunction(`${id}-${run}`, source)]),
    ),
    Short: inlineFunction(`Short-${run}`, FUNCTIONS.Slow, { Timeout: 1 }),
    ...Object.fromEntries(
      Object.entries(MACHINES).map(([name, States]) => {
        const text = JSON.stringify(States);
        const used = ids.filter((id) => text.includes(`\${${id}}`));
        return [`M${name}`, stateMachine(`${name}-${run}`, { StartAt: "A", States }, used)];
      }),
    ),
  });
  sfn = new SFNClient(deployment.client);
}, 120_000);
afterAll(() => deployment?.close());

const start = async (machine: string, input: unknown = {}, name: string = crypto.randomUUID()) => {
  const { executionArn = "" } = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn: machineArn(machine),
      name,
      input: JSON.stringify(input),
    }),
  );
  return executionArn;
};
const describe = (executionArn: string) => sfn.send(new DescribeExecutionCommand({ executionArn }));
const ended = async (executionArn: string) => {
  for (;;) {
    const { status = "", output, error, cause } = await describe(executionArn);
    if (status !== "RUNNING")
      return {
        status,
        output: output === undefined ? undefined : JSON.parse(output),
        error,
        cause,
      };
    await pause(50);
  }
};
const result = async (machine: string, input?: unknown) => ended(await start(machine, input));

test("Parameters read input and context", async () => {
  const name = crypto.randomUUID();
  const { output } = await ended(await start("parameters", { list: ["x", "y"] }, name));

  expect(output).toMatchObject({
    id: "y",
    run: name,
    state: "A",
    nested: { all: { list: ["x", "y"] } },
  });
  expect(output.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
});

test("ResultPath places the result, null drops it", async () => {
  expect((await result("resultPath", { k: 1 })).output).toEqual({ k: 1, a: { b: { r: 1 } } });
  expect((await result("resultDropped", { k: 1 })).output).toEqual({ k: 1 });
});

test("a function that returns nothing gives null", async () => {
  expect((await result("nothing")).output).toBeNull();
});

test("a parameter without a value is States.Runtime, which nothing catches", async () => {
  expect(await result("missing")).toMatchObject({ status: "FAILED", error: "States.Runtime" });
});

test.each(["retry", "retryAll"])("%s: a function is tried until it succeeds", async (machine) => {
  expect((await result(machine)).output).toEqual({ tries: 3 });
});

test("an error whose retries are used up is caught", async () => {
  expect(await result("retriesUsedUp")).toMatchObject({ status: "SUCCEEDED" });
});

test("an uncaught error ends the execution under the error's name", async () => {
  const { status, error, cause } = await result("uncaught");

  expect({ status, error }).toEqual({ status: "FAILED", error: "TransientError" });
  expect(JSON.parse(cause ?? "")).toMatchObject({
    errorType: "TransientError",
    errorMessage: "not now",
  });
});

test("an error is caught by its name", async () => {
  expect((await result("byName")).output.error).toMatchObject({ Error: "TransientError" });
});

test("an error is caught by States.TaskFailed", async () => {
  expect((await result("byTaskFailed")).status).toBe("SUCCEEDED");
});

test("an error is not caught by another name", async () => {
  expect((await result("otherName")).status).toBe("FAILED");
});

test("TimeoutSeconds is States.Timeout", async () => {
  expect((await result("timeout")).output.error).toMatchObject({ Error: "States.Timeout" });
});

test("States.TaskFailed does not catch States.Timeout", async () => {
  expect(await result("timeoutIsNoTaskFailed")).toMatchObject({
    status: "FAILED",
    error: "States.Timeout",
  });
});

test("TimeoutSecondsPath is obeyed", async () => {
  expect((await result("timeoutPath", { limit: 1 })).output.error).toMatchObject({
    Error: "States.Timeout",
  });
});

test("a function's own time-out is Sandbox.Timedout", async () => {
  expect((await result("functionTimeout")).output.error).toMatchObject({
    Error: "Sandbox.Timedout",
  });
});

test("a token task ends with its token's answer", async () => {
  expect((await result("token", { what: "succeed" })).output).toEqual({ answered: true });
});

test("a token's failure is caught by its name", async () => {
  expect((await result("tokenCaught", { what: "fail" })).output.error).toEqual({
    Error: "Refused",
    Cause: "busy",
  });
});

test("a token nobody answers is States.Timeout", async () => {
  expect((await result("tokenTimeout", { what: "never" })).output.error).toMatchObject({
    Error: "States.Timeout",
  });
});

test("an error of a token task's function fails the task", async () => {
  expect((await result("tokenThrows", { what: "throw" })).output.error).toMatchObject({
    Error: "TransientError",
  });
});

test("Wait with SecondsPath", async () => {
  expect(await result("wait", { n: 1 })).toMatchObject({ status: "SUCCEEDED", output: { n: 1 } });
});

test("Fail with ErrorPath and CausePath", async () => {
  expect(await result("failure", { e: "E", c: "C" })).toMatchObject({
    status: "FAILED",
    error: "E",
    cause: "C",
  });
});

test("a choice without a match is States.NoChoiceMatched", async () => {
  expect(await result("noMatch")).toMatchObject({ error: "States.NoChoiceMatched" });
});

test.each<[string, object, boolean]>([
  ["isText", { x: "a" }, true],
  ["isText", { x: 1 }, false],
  ["isTrue", { x: true }, true],
  ["isTrue", { x: "true" }, false],
  ["isMore", { x: 4 }, true],
  ["isMore", { x: 3 }, false],
  ["isMore", { x: "4" }, false],
  ["isPresent", { x: null }, true],
  ["isPresent", {}, false],
  ["isNot", { x: "b" }, true],
  ["isBoth", {}, false],
  ["isBoth", { x: "a" }, true],
  ["isEither", { x: "b" }, true],
])("choice %s of %j: %s", async (machine, input, chosen) => {
  expect((await result(machine, input)).status).toBe(chosen ? "SUCCEEDED" : "FAILED");
});

test("a choice about an absent variable is States.Runtime", async () => {
  expect((await result("isText", {})).error).toBe("States.Runtime");
});

test("a running name with equal input is the same execution", async () => {
  const name = crypto.randomUUID();

  expect(await start("long", { n: 1 }, name)).toBe(await start("long", { n: 1 }, name));
});

test("a running name with other input is ExecutionAlreadyExists", async () => {
  const name = crypto.randomUUID();
  await start("long", { n: 1 }, name);

  await expect(start("long", { n: 2 }, name)).rejects.toMatchObject({
    name: "ExecutionAlreadyExists",
  });
});

test("a closed name is ExecutionAlreadyExists, whatever the input", async () => {
  const name = crypto.randomUUID();
  await ended(await start("nothing", {}, name));

  await expect(start("nothing", {}, name)).rejects.toMatchObject({
    name: "ExecutionAlreadyExists",
  });
});

test("StopExecution aborts with error and cause", async () => {
  const executionArn = await start("long");
  await sfn.send(new StopExecutionCommand({ executionArn, error: "Stopped", cause: "by hand" }));

  expect(await ended(executionArn)).toMatchObject({
    status: "ABORTED",
    error: "Stopped",
    cause: "by hand",
  });
});

const starting = (but: object) =>
  sfn.send(new StartExecutionCommand({ stateMachineArn: machineArn("nothing"), ...but }));
const succeeding = (taskToken: string, output = "{}") =>
  sfn.send(new SendTaskSuccessCommand({ taskToken, output }));

test.each<[string, () => Promise<unknown>]>([
  ["StateMachineDoesNotExist", () => starting({ stateMachineArn: machineArn("absent") })],
  ["InvalidName", () => starting({ name: "a b" })],
  ["InvalidExecutionInput", () => starting({ input: "{" })],
  [
    "ExecutionDoesNotExist",
    () => describe(`${machineArn("nothing").replace(":stateMachine:", ":execution:")}:absent`),
  ],
  ["InvalidArn", () => describe("nonsense")],
  ["InvalidToken", () => succeeding("nonsense")],
  ["InvalidToken", () => sfn.send(new SendTaskFailureCommand({ taskToken: "nonsense" }))],
  ["InvalidOutput", () => succeeding("nonsense", "{")],
])("%s is answered by that name", async (name, call) => {
  await expect(call()).rejects.toMatchObject({ name });
});
