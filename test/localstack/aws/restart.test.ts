// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation spells its substitutions so
import { setTimeout as pause } from "node:timers/promises";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { expect, test } from "vitest";
import { scaledClock, virtualClock } from "../../../localstack/clock.ts";
import {
  functionArn,
  functionResource,
  machineArn,
  machineResource,
  NOON,
  temporaryFolder,
  testStack,
  until,
} from "./harness.ts";

const MINUTE = 60_000;
const rule = (properties: object) => ({
  Type: "AWS::Events::Rule",
  Properties: { Name: "rule", Targets: [{ Id: "t", Arn: functionArn("f") }], ...properties },
});

test("close waits for the step under way, so that the next process does not repeat it", async () => {
  using data = temporaryFolder();
  const calls: string[] = [];
  const open = () =>
    testStack(
      {
        f: async () => {
          calls.push("begun");
          await pause(50);
          calls.push("done");
        },
      },
      {
        Machine: machineResource("m", {
          StartAt: "A",
          States: {
            A: { Type: "Task", Resource: functionArn("f"), Next: "B" },
            B: { Type: "Wait", Seconds: 5, End: true },
          },
        }),
      },
      { data: data.folder, clock: scaledClock(50) },
    );
  const first = await open();
  await new SFNClient(first.client).send(
    new StartExecutionCommand({ stateMachineArn: machineArn("m"), name: "run-1" }),
  );
  await first.close();
  await using second = await open();
  await until(() => second.executions()[0]?.status === "SUCCEEDED");

  expect(calls).toEqual(["begun", "done"]);
});

test("close ends an HTTP request under way with its answer", async () => {
  let arrived = false;
  const stack = await testStack(
    {
      f: async () => {
        arrived = true;
        await pause(50);
        return { statusCode: 200, body: "answered" };
      },
    },
    {
      Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "lull", ProtocolType: "HTTP" } },
      Integration: {
        Type: "AWS::ApiGatewayV2::Integration",
        Properties: {
          ApiId: { Ref: "Api" },
          IntegrationType: "AWS_PROXY",
          IntegrationUri: functionArn("f"),
          PayloadFormatVersion: "2.0",
        },
      },
      Route: {
        Type: "AWS::ApiGatewayV2::Route",
        Properties: {
          ApiId: { Ref: "Api" },
          RouteKey: "GET /",
          Target: { "Fn::Sub": "integrations/${Integration}" },
        },
      },
    },
  );
  const response = fetch(stack.apiUrl);
  await until(() => arrived);
  await Promise.all([stack.close(), stack.close()]);

  expect(await (await response).text()).toBe("answered");
  await expect(fetch(stack.apiUrl)).rejects.toThrow();
});

test("an event that waits for its retry is tried again by the next process", async () => {
  using data = temporaryFolder();
  const ids = new Set<string>();
  let tries = 0;
  const open = (at: number) =>
    testStack(
      {
        f: (_: unknown, { awsRequestId }: { awsRequestId: string }) => {
          ids.add(awsRequestId);
          tries += 1;
          if (tries === 1) throw new Error("not yet");
        },
      },
      { Rule: rule({ EventPattern: { source: ["lull"] } }) },
      { data: data.folder, clock: virtualClock(at) },
    );
  {
    await using first = await open(NOON);
    await new EventBridgeClient(first.client).send(
      new PutEventsCommand({ Entries: [{ Source: "lull", DetailType: "t", Detail: "{}" }] }),
    );
    await until(() => tries === 1);
  }
  await using second = await open(NOON + 10 * MINUTE);
  await second.clock.runUntil(() => false, NOON + 20 * MINUTE);

  expect({ tries, events: ids.size }).toEqual({ tries: 2, events: 1 });
});

test("a schedule makes up for one missed period, not for each", async () => {
  using data = temporaryFolder();
  const at: number[] = [];
  const open = (start: number) => {
    const clock = virtualClock(start);
    return testStack(
      { f: () => void at.push((clock.now() - NOON) / MINUTE) },
      { Rule: rule({ ScheduleExpression: "rate(1 minute)" }) },
      { data: data.folder, clock },
    );
  };
  {
    await using first = await open(NOON);
    await first.clock.runUntil(() => false, NOON + 2 * MINUTE);
  }
  await using second = await open(NOON + 60 * MINUTE);
  await second.clock.runUntil(() => false, NOON + 62 * MINUTE);

  expect(at).toEqual([1, 2, 60, 61, 62]);
});

test("a schedule does not pile up behind a function that takes longer than its period", async () => {
  let running = 0;
  let most = 0;
  let calls = 0;
  await using _ = await testStack(
    {
      f: async () => {
        calls += 1;
        running += 1;
        most = Math.max(most, running);
        await pause(150);
        running -= 1;
      },
    },
    {
      f: functionResource("f", { Timeout: 900 }),
      Rule: rule({ ScheduleExpression: "rate(1 minute)" }),
    },
    { clock: scaledClock(1_000) },
  );
  await until(() => calls === 3);

  expect(most).toBe(1);
});
