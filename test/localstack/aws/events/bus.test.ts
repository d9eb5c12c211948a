import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { expect, test } from "vitest";
import { misbehaviour } from "../../../../localstack/aws/misbehaviour.ts";
import {
  functionArn,
  functionResource,
  type Lambdas,
  NOON,
  queueArn,
  queueResource,
  testStack,
} from "../harness.ts";

const MINUTE = 60_000;

const rule = (name: string, properties: object) => ({
  Type: "AWS::Events::Rule",
  Properties: {
    Name: name,
    EventBusName: "lull",
    Targets: [{ Id: "target", Arn: functionArn("sink") }],
    ...properties,
  },
});

const withBus = async (
  functions: Lambdas,
  resources: object,
  options: Parameters<typeof testStack>[2] = {},
) => {
  const stack = await testStack(
    functions,
    { Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "lull" } }, ...resources },
    options,
  );
  const events = new EventBridgeClient(stack.client);
  const put = (...entries: object[]) =>
    events.send(
      new PutEventsCommand({
        Entries: entries.map((entry) => ({
          EventBusName: "lull",
          Source: "lull",
          DetailType: "maintenance.scheduled",
          Detail: "{}",
          ...entry,
        })),
      }),
    );
  const pass = (ms: number) => stack.clock.runUntil(() => false, stack.clock.now() + ms);
  return { ...stack, put, pass };
};

test("an event reaches the targets of the rules that match it, in EventBridge's form", async () => {
  const seen: unknown[] = [];
  await using stack = await withBus(
    { sink: (event: unknown) => void seen.push(event) },
    {
      Matching: rule("matching", { EventPattern: { detail: { state: [{ prefix: "MAINT" }] } } }),
      Other: rule("other", { EventPattern: { source: ["other"] } }),
      Off: rule("off", { EventPattern: { source: ["lull"] }, State: "DISABLED" }),
    },
  );
  const answer = await stack.put({ Detail: '{"state":"MAINTENANCE"}', Resources: ["r"] });
  await stack.pass(MINUTE);

  expect(seen).toEqual([
    {
      version: "0",
      id: answer.Entries?.[0]?.EventId,
      "detail-type": "maintenance.scheduled",
      source: "lull",
      account: "000000000000",
      time: "2026-11-22T12:00:00Z",
      region: "us-east-1",
      resources: ["r"],
      detail: { state: "MAINTENANCE" },
    },
  ]);
});

test("bad entries fail one by one, a bad call fails whole", async () => {
  await using stack = await withBus({}, {});
  const answer = await stack.put(
    {},
    { Detail: "no json" },
    { Source: undefined },
    { Detail: "[]" },
  );

  expect(answer.FailedEntryCount).toBe(3);
  expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    undefined,
    "MalformedDetail",
    "InvalidArgument",
    "MalformedDetail",
  ]);
  await expect(stack.put(...Array.from({ length: 11 }, () => ({})))).rejects.toMatchObject({
    name: "ValidationException",
  });
  await expect(stack.put({ Detail: `"${"x".repeat(262_144)}"` })).rejects.toMatchObject({
    name: "ValidationException",
  });
});

test("an event for a bus that does not exist is accepted and lost, as on AWS", async () => {
  await using stack = await withBus({}, {});

  expect(await stack.put({ EventBusName: "nobody" })).toMatchObject({ FailedEntryCount: 0 });
});

test("a failing function is tried again after one and two minutes, then its event is a dead letter", async () => {
  const tries: { at: number; id: string }[] = [];
  await using stack = await withBus(
    {
      sink: (_: unknown, context: { awsRequestId: string }) => {
        tries.push({ at: (stack.clock.now() - NOON) / MINUTE, id: context.awsRequestId });
        throw new RangeError("no");
      },
    },
    {
      Rule: rule("all", { EventPattern: { source: ["lull"] } }),
      Given: queueResource("given-up"),
      Events: queueResource("events"),
      sink: functionResource("sink", { DeadLetterConfig: { TargetArn: queueArn("events") } }),
      Config: {
        Type: "AWS::Lambda::EventInvokeConfig",
        Properties: {
          FunctionName: { Ref: "sink" },
          Qualifier: "$LATEST",
          DestinationConfig: { OnFailure: { Destination: queueArn("given-up") } },
        },
      },
    },
  );
  await stack.put({ Detail: '{"n":1}' });
  await stack.pass(60 * MINUTE);
  const letters = stack.deadLetters();
  const record = JSON.parse(letters.find(({ queue }) => queue === "given-up")?.body ?? "{}");

  expect(tries.map(({ at }) => at)).toEqual([0, 1, 3]);
  expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
  expect(record).toMatchObject({
    requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
    requestPayload: { detail: { n: 1 } },
    responsePayload: { errorType: "RangeError", errorMessage: "no" },
  });
  expect(letters.map(({ queue }) => queue).toSorted()).toEqual(["events", "given-up"]);
});

test("an event older than the function allows is given up before its next try", async () => {
  let tries = 0;
  await using stack = await withBus(
    {
      sink: () => {
        tries += 1;
        throw new Error("no");
      },
    },
    {
      Rule: rule("all", { EventPattern: { source: ["lull"] } }),
      Given: queueResource("given-up"),
      Config: {
        Type: "AWS::Lambda::EventInvokeConfig",
        Properties: {
          FunctionName: { Ref: "sink" },
          Qualifier: "$LATEST",
          MaximumEventAgeInSeconds: 90,
          DestinationConfig: { OnFailure: { Destination: queueArn("given-up") } },
        },
      },
    },
  );
  await stack.put({});
  await stack.pass(60 * MINUTE);

  expect(tries).toBe(2);
  expect(JSON.parse(stack.deadLetters()[0]?.body ?? "{}").requestContext.condition).toBe(
    "EventAgeExceeded",
  );
});

test("reserved concurrency holds events back without losing one", async () => {
  let atOnce = 0;
  let most = 0;
  let done = 0;
  await using stack = await withBus(
    {
      sink: async () => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce -= 1;
        done += 1;
      },
    },
    {
      Rule: rule("all", { EventPattern: { source: ["lull"] } }),
      sink: functionResource("sink", { ReservedConcurrentExecutions: 2 }),
    },
  );
  await stack.put(...Array.from({ length: 10 }, () => ({})));
  await stack.pass(MINUTE);

  expect({ most, done }).toEqual({ most: 2, done: 10 });
});

test("misbehaviour delivers events late and twice", async () => {
  const at: number[] = [];
  await using stack = await withBus(
    { sink: () => void at.push(stack.clock.now() - NOON) },
    { Rule: rule("all", { EventPattern: { source: ["lull"] } }) },
    { misbehaviour: misbehaviour({ seed: 3, duplicate: 1, delayMs: 5_000 }) },
  );
  await stack.put({});
  await stack.pass(MINUTE);

  expect(at).toHaveLength(2);
  expect(Math.max(...at)).toBeGreaterThan(0);
});

const tick = (input?: string) => ({
  Type: "AWS::Events::Rule",
  Properties: {
    Name: "tick",
    ScheduleExpression: "rate(1 minute)",
    Targets: [{ Id: "t", Arn: functionArn("tick"), ...(input && { Input: input }) }],
  },
});

test("a rate() rule fires once a period, the first time after one period", async () => {
  const events: { time: string; resources: string[] }[] = [];
  await using stack = await withBus(
    { tick: (event: (typeof events)[number]) => void events.push(event) },
    { Tick: tick() },
  );
  await stack.pass(3 * MINUTE + 30_000);

  expect(events.map(({ time }) => time)).toEqual([
    "2026-11-22T12:01:00Z",
    "2026-11-22T12:02:00Z",
    "2026-11-22T12:03:00Z",
  ]);
  expect(events[0]).toMatchObject({
    source: "aws.events",
    "detail-type": "Scheduled Event",
    detail: {},
  });
});

test("a rate() rule with an input hands over just that", async () => {
  const events: unknown[] = [];
  await using stack = await withBus(
    { tick: (event: unknown) => void events.push(event) },
    { Tick: tick('{"sweep":true}') },
  );
  await stack.pass(MINUTE);

  expect(events).toEqual([{ sweep: true }]);
});
