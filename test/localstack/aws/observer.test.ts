import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { expect, test } from "vitest";
import { machineArn, machineResource, NOON, testStack } from "./harness.ts";

const TASK = {
  Type: "Task",
  Resource: "arn:aws:lambda:us-east-1:000000000000:function:flaky",
  Retry: [{ ErrorEquals: ["States.ALL"] }],
  Next: "Done",
};
const machine = { StartAt: "Try", States: { Try: TASK, Done: { Type: "Succeed" } } };

test("an observer is told of each state that is entered, and of each further try", async () => {
  const entered: string[] = [];
  let calls = 0;
  const flaky = () => {
    calls += 1;
    if (calls < 3) throw new Error("again");
  };
  await using stack = await testStack(
    { flaky },
    { Machine: machineResource("m", machine) },
    { observer: { transition: (_, state) => void entered.push(state) } },
  );
  await new SFNClient(stack.client).send(
    new StartExecutionCommand({ stateMachineArn: machineArn("m") }),
  );

  await stack.clock.runUntil(() => stack.executions()[0]?.status === "SUCCEEDED", NOON + 60_000);
  expect(entered).toEqual(["Try", "Try", "Try", "Done"]);
});

test("an observer sees what is asked of a service, and what it answers or refuses", async () => {
  const seen: unknown[] = [];
  await using stack = await testStack(
    {},
    {},
    {
      observer: {
        call: ({ service, operation, input }, proceed) => {
          seen.push([service, operation, input]);
          try {
            return proceed();
          } catch (error) {
            seen.push(error);
            throw error;
          }
        },
      },
    },
  );
  const started = new SFNClient(stack.client).send(
    new StartExecutionCommand({ stateMachineArn: machineArn("none"), name: "n", input: "{}" }),
  );

  await expect(started).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
  expect(seen).toEqual([
    [
      "AWSStepFunctions",
      "StartExecution",
      { stateMachineArn: machineArn("none"), name: "n", input: "{}" },
    ],
    expect.objectContaining({ name: "StateMachineDoesNotExist" }),
  ]);
});
