import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { serverless } from "../serverless.ts";

const TABLE = [
  "dynamodb:BatchGetItem",
  "dynamodb:ConditionCheckItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];
const LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"];
const SECRET = ["secretsmanager:GetSecretValue"];
const STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];

/** What each role may do, and nothing else. The API holds no credential of a cloud. */
const ALLOWED: Record<string, string[]> = {
  ApiRole: [...LOGS, ...TABLE],
  SessionRole: [...LOGS, ...TABLE, ...SECRET, "states:SendTaskSuccess"],
  HostRole: [...LOGS, ...TABLE, ...SECRET, "states:SendTaskSuccess"],
  EngineRole: [
    ...LOGS,
    ...TABLE,
    ...STREAM,
    "dynamodb:ListStreams",
    "events:PutEvents",
    "sqs:SendMessage",
    "states:DescribeExecution",
    "states:SendTaskSuccess",
    "states:StartExecution",
  ],
  SyncRole: [...LOGS, ...TABLE, ...SECRET],
  MachineRole: ["lambda:InvokeFunction"],
};

/** Actions that IAM knows for all resources only. */
const UNRESTRICTED = ["dynamodb:ListStreams"];

const listOf = <T extends z.ZodType>(item: T) =>
  z.union([z.array(item), item.transform((one) => [one])]);
const roleSchema = z.object({
  Policies: z.array(
    z.object({
      PolicyDocument: z.object({
        Statement: z.array(
          z.strictObject({
            Effect: z.literal("Allow"),
            Action: listOf(z.string()),
            Resource: listOf(z.unknown()),
          }),
        ),
      }),
    }),
  ),
});

const roles = Object.entries(serverless.resources)
  .filter(([, { Type }]) => Type === "AWS::IAM::Role")
  .map(([name, { Properties }]) => {
    const { Policies } = roleSchema.parse(Properties);
    return { name, statements: Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement) };
  });

test("every role is one of those that were thought about", () => {
  expect(roles.map(({ name }) => name).toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
});

describe.each(roles)("$name", ({ name, statements }) => {
  test("may do what its functions need, and nothing else", () => {
    const actions = statements.flatMap(({ Action }) => Action);

    expect(actions.toSorted()).toEqual(ALLOWED[name]?.toSorted());
  });

  test("may do nothing by a wildcard, to everything", () => {
    for (const { Action, Resource } of statements) {
      expect(Action.filter((action) => action.includes("*"))).toEqual([]);
      if (Resource.includes("*")) expect(UNRESTRICTED).toEqual(expect.arrayContaining(Action));
    }
  });
});

describe("a function", () => {
  const functions = Object.entries(serverless.functions);
  const files = ["api", "session", "host", "engine"].flatMap((folder) =>
    readdirSync(new URL(`../../functions/${folder}`, import.meta.url)).map(
      (file) => `functions/${folder}/${file}`,
    ),
  );

  test("is deployed for each file, once", () => {
    const deployed = functions.map(([, { handler }]) =>
      handler.replace("dist/", "").replace(".handler", ".ts"),
    );

    expect(deployed.toSorted()).toEqual(files.toSorted());
  });

  test.each(functions)("%s has the role of its folder", (_, { handler, role }) => {
    const folder = handler.split("/")[2] ?? "";
    const roleOf: Record<string, string[]> = {
      api: ["ApiRole"],
      session: ["SessionRole"],
      host: ["HostRole"],
      engine: ["EngineRole", "SyncRole"],
    };

    expect(roleOf[folder]).toContain(role);
  });

  test("that the gateway waits for ends before the gateway gives up", () => {
    const behindGateway = functions.filter(([, { role }]) => role === "ApiRole");

    for (const [, { timeout }] of behindGateway) expect(timeout).toBeLessThan(30);
  });
});

test("whoever is given up on by the bus may be kept by the queue", () => {
  const { Properties } = serverless.resource("DeadLettersPolicy", "AWS::SQS::QueuePolicy");

  expect(JSON.stringify(Properties)).toContain("events.amazonaws.com");
});
