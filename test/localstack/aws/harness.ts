import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Handler } from "../../../localstack/aws/lambda/functions.ts";
import { type Stack, type StackOptions, startStack } from "../../../localstack/aws/stack.ts";
import { type VirtualClock, virtualClock } from "../../../localstack/clock.ts";

export const NOON = Date.parse("2026-11-22T12:00:00Z");

export const functionArn = (name: string) =>
  `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
export const machineArn = (name: string) =>
  `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;
export const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

/** A Lambda function; its handler is the one that the test gives under the same logical id. */
export const functionResource = (name: string, properties: object = {}) => ({
  Type: "AWS::Lambda::Function",
  Properties: { FunctionName: name, Handler: "test.handler", Timeout: 60, ...properties },
});

export const machineResource = (name: string, definition: object) => ({
  Type: "AWS::StepFunctions::StateMachine",
  Properties: { StateMachineName: name, Definition: definition },
});

export const queueResource = (name: string) => ({
  Type: "AWS::SQS::Queue",
  Properties: { QueueName: name },
});

export type Lambdas = Readonly<Record<string, (event: never, context: never) => unknown>>;

const resourcesOf = (functions: Lambdas, resources: object) => ({
  ...Object.fromEntries(Object.keys(functions).map((name) => [name, functionResource(name)])),
  ...resources,
});

export const temporaryFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "lull-stack-"));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
};

/**
 * A running stack whose functions are plain functions, on a clock that stands still at noon unless
 * another one is given. Gone, with its folder, at the end of the test's scope.
 */
export const testStack = async <C = VirtualClock>(
  functions: Lambdas,
  resources: object = {},
  options: Partial<StackOptions> = {},
) => {
  const own = options.data === undefined ? temporaryFolder() : undefined;
  const clock = options.clock ?? virtualClock(NOON);
  const stack: Stack = await startStack({
    template: { Resources: resourcesOf(functions, resources) },
    handlers: async (id) =>
      (async (event, context) =>
        functions[id]?.(event as never, context as never)) satisfies Handler,
    data: own?.folder ?? "",
    durability: "NORMAL",
    ...options,
    clock,
  });
  return {
    ...stack,
    clock: clock as C,
    client: {
      endpoint: stack.awsEndpoint,
      region: "us-east-1",
      credentials: stack.credentials,
      maxAttempts: 1,
    },
    [Symbol.asyncDispose]: async () => {
      await stack.close();
      own?.[Symbol.dispose]();
    },
  };
};

/** Waits, without a guess at how long, until `condition` holds; vitest's time-out is the limit. */
export const until = async (condition: () => boolean | Promise<boolean>) => {
  while (!(await condition())) await pause(5);
};

/** The JSON body of a response, whose form the assertion checks. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
export const jsonOf = async (response: Response): Promise<any> => response.json();
