/**
 * One process of the crash test: runs the machine below until its execution has ended, or until
 * it is killed. Started as `node worker.ts <data folder>`; everything it does is in `journal`.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startStack } from "../../../../localstack/aws/stack.ts";
import { scaledClock } from "../../../../localstack/clock.ts";

const ROUNDS = 6;
const folder = process.argv[2] ?? "";
const journal = join(folder, "journal");

type Line = { readonly step: string; readonly round: number; readonly token?: string };
const lines = (): Line[] =>
  existsSync(journal)
    ? readFileSync(journal, "utf8")
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
const write = (line: Line) => appendFileSync(journal, `${JSON.stringify(line)}\n`);

class TransientError extends Error {
  override readonly name = "TransientError";
}

/** Fails once a round, so that each round has a retry. */
const work = async ({ round }: { round: number }) => {
  const failedBefore = lines().some((line) => line.step === "failed" && line.round === round);
  write({ step: "work", round });
  await pause(30);
  if (!failedBefore) {
    write({ step: "failed", round });
    throw new TransientError("once a round");
  }
  return { round: round + 1, again: round + 1 < ROUNDS };
};

const ask = async ({ token, round }: { token: string; round: number }) => {
  write({ step: "ask", round, token });
  await pause(30);
};

const arn = (service: string, name: string) => `arn:aws:${service}:us-east-1:000000000000:${name}`;
const task = (name: string) => arn("lambda", `function:${name}`);
const definition = {
  StartAt: "Work",
  States: {
    Work: {
      Type: "Task",
      Resource: task("work"),
      Retry: [{ ErrorEquals: ["TransientError"], IntervalSeconds: 1 }],
      Next: "Pause",
    },
    Pause: { Type: "Wait", Seconds: 1, Next: "Ask" },
    Ask: {
      Type: "Task",
      Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
      Parameters: {
        FunctionName: task("ask"),
        Payload: { "token.$": "$$.Task.Token", "round.$": "$.round" },
      },
      ResultPath: null,
      TimeoutSeconds: 3_600,
      Next: "Again",
    },
    Again: {
      Type: "Choice",
      Choices: [{ Variable: "$.again", BooleanEquals: true, Next: "Work" }],
      Default: "Done",
    },
    Done: { Type: "Succeed" },
  },
};
const fn = (FunctionName: string) => ({
  Type: "AWS::Lambda::Function",
  Properties: { FunctionName, Handler: "worker.handler", Timeout: 60 },
});
const handlers: Record<string, (event: never) => Promise<unknown>> = { Work: work, Ask: ask };

const stack = await startStack({
  template: {
    Resources: {
      Work: fn("work"),
      Ask: fn("ask"),
      Machine: {
        Type: "AWS::StepFunctions::StateMachine",
        Properties: { StateMachineName: "m", Definition: definition },
      },
    },
  },
  handlers: async (id) => async (event) => handlers[id]?.(event as never),
  data: folder,
  clock: scaledClock(20),
});

const call = (operation: string, input: object) =>
  fetch(stack.awsEndpoint, {
    method: "POST",
    headers: {
      "X-Amz-Target": `AWSStepFunctions.${operation}`,
      Authorization: `AWS4-HMAC-SHA256 Credential=${stack.credentials.accessKeyId}/d/r/s/aws4_request`,
    },
    body: JSON.stringify(input),
  });

if (stack.executions().length === 0)
  await call("StartExecution", {
    stateMachineArn: arn("states", "stateMachine:m"),
    name: "run-1",
    input: '{"round":0}',
  });
console.log("running");
while (stack.executions()[0]?.status === "RUNNING") {
  const taskToken = lines().findLast(({ token }) => token)?.token;
  if (taskToken) await call("SendTaskSuccess", { taskToken, output: "{}" });
  await pause(20);
}
console.log(JSON.stringify(stack.executions()[0]));
await stack.close();
