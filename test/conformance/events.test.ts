import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, deploy, inlineFunction } from "./deployment.ts";

const run = crypto.randomUUID().slice(0, 8);
const TABLE = `seen-${run}`;
const BUS = `bus-${run}`;

/** Writes what it gets into the table, under the event's id or the rule's constant input. */
const RECORD = `
  exports.handler = async (event) => {
    const response = await fetch(process.env.AWS_ENDPOINT_URL, {
      method: "POST",
      headers: {
        "X-Amz-Target": "DynamoDB_20120810.PutItem",
        "Content-Type": "application/x-amz-json-1.0",
        Authorization: "AWS4-HMAC-SHA256 Credential=" + process.env.AWS_ACCESS_KEY_ID
          + "/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
      },
      body: JSON.stringify({
        TableName: "${TABLE}",
        Item: { id: { S: event.rule ?? event.id }, event: { S: JSON.stringify(event) } },
      }),
    });
    if (!response.ok) throw new Error(await response.text());
  }`;

/** Which of these patterns match the one event that the test sends. */
const PATTERNS: Readonly<Record<string, readonly [pattern: object, matches: boolean]>> = {
  exact: [{ detail: { state: ["MAINTENANCE"] } }, true],
  otherExact: [{ detail: { state: ["SCALE_IN"] } }, false],
  oneOf: [{ detail: { state: ["SCALE_IN", "MAINTENANCE"] } }, true],
  prefix: [{ "detail-type": [{ prefix: "maintenance." }] }, true],
  otherPrefix: [{ "detail-type": [{ prefix: "inventory." }] }, false],
  anythingBut: [{ detail: { state: [{ "anything-but": ["SCALE_IN"] }] } }, true],
  notAnythingBut: [{ detail: { state: [{ "anything-but": ["MAINTENANCE"] }] } }, false],
  anythingButPrefix: [{ detail: { state: [{ "anything-but": { prefix: "MAIN" } }] } }, false],
  anythingButAbsent: [{ detail: { absent: [{ "anything-but": ["x"] }] } }, false],
  exists: [{ detail: { host: { name: [{ exists: true }] } } }, true],
  existsNot: [{ detail: { absent: [{ exists: false }] } }, true],
  number: [{ detail: { count: [3] } }, true],
  numberAsText: [{ detail: { count: ["3"] } }, false],
  nothing: [{ detail: { gone: [null] } }, true],
  member: [{ detail: { tags: ["blue"] } }, true],
  bothFields: [{ source: ["lull"], detail: { state: ["SCALE_IN"] } }, false],
};

let deployment: Deployment;
let events: EventBridgeClient;
let table: DynamoDBClient;

beforeAll(async () => {
  const rule = (name: string, EventPattern: object, Input?: string) => ({
    Type: "AWS::Events::Rule",
    Properties: {
      Name: `${name}-${run}`,
      EventBusName: { Ref: "Bus" },
      EventPattern,
      State: "ENABLED",
      Targets: [
        { Id: "target", Arn: { "Fn::GetAtt": ["Record", "Arn"] }, ...(Input && { Input }) },
      ],
    },
  });
  deployment = await deploy({
    Record: inlineFunction(`record-${run}`, RECORD),
    Bus: { Type: "AWS::Events::EventBus", Properties: { Name: BUS } },
    Table: {
      Type: "AWS::DynamoDB::Table",
      Properties: {
        TableName: TABLE,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      },
    },
    Whole: rule("whole", { source: ["whole"] }),
    ...Object.fromEntries(
      Object.entries(PATTERNS).map(([name, [pattern]]) => [
        `Rule${name}`,
        rule(name, { source: ["lull"], ...pattern }, JSON.stringify({ rule: name })),
      ]),
    ),
  });
  events = new EventBridgeClient(deployment.client);
  table = new DynamoDBClient(deployment.client);
}, 120_000);
afterAll(() => deployment?.close());

const put = (...entries: object[]) =>
  events.send(
    new PutEventsCommand({
      Entries: entries.map((entry) => ({
        EventBusName: BUS,
        Source: "whole",
        DetailType: "maintenance.scheduled",
        Detail: "{}",
        ...entry,
      })),
    }),
  );
const seen = async () => {
  const { Items = [] } = await table.send(new ScanCommand({ TableName: TABLE }));
  return new Map(
    Items.map((item) => [item["id"]?.S ?? "", JSON.parse(item["event"]?.S ?? "null")]),
  );
};
const seenAll = async (ids: readonly string[]) => {
  for (;;) {
    const found = await seen();
    if (ids.every((id) => found.has(id))) return found;
    await pause(50);
  }
};

test("an event arrives in EventBridge's form", async () => {
  const answer = await put({
    Detail: '{"a":{"b":1}}',
    Resources: ["arn:aws:x"],
    Time: new Date("2026-11-22T12:00:00.700Z"),
  });
  const id = answer.Entries?.[0]?.EventId ?? "";
  const event = (await seenAll([id])).get(id);

  expect(answer.FailedEntryCount).toBe(0);
  expect(event).toEqual({
    version: "0",
    id,
    "detail-type": "maintenance.scheduled",
    source: "whole",
    account: "000000000000",
    time: "2026-11-22T12:00:00Z",
    region: "us-east-1",
    resources: ["arn:aws:x"],
    detail: { a: { b: 1 } },
  });
});

test("patterns match and do not match as EventBridge's do", async () => {
  await put({
    Source: "lull",
    Detail: JSON.stringify({
      state: "MAINTENANCE",
      count: 3,
      gone: null,
      tags: ["red", "blue"],
      host: { name: "compute-1" },
    }),
  });
  const matching = Object.keys(PATTERNS).filter((name) => PATTERNS[name]?.[1]);
  await seenAll(matching);
  const sentinel = (await put({})).Entries?.[0]?.EventId ?? "";
  const found = await seenAll([sentinel]);

  expect([...found.keys()].filter((id) => id in PATTERNS).toSorted()).toEqual(matching.toSorted());
});

test.each<[string, object, string]>([
  ["without a source", { Source: "" }, "InvalidArgument"],
  ["without a detail type", { DetailType: "" }, "InvalidArgument"],
  ["whose detail is no JSON", { Detail: "{" }, "MalformedDetail"],
  ["whose detail is no object", { Detail: "[1]" }, "MalformedDetail"],
])("an entry %s fails alone", async (_, entry, code) => {
  const answer = await put({}, entry);

  expect(answer.FailedEntryCount).toBe(1);
  expect(answer.Entries?.[0]?.EventId).toBeDefined();
  expect(answer.Entries?.[1]?.ErrorCode).toBe(code);
});

test("more than ten entries are refused", async () => {
  await expect(put(...Array.from({ length: 11 }, () => ({})))).rejects.toMatchObject({
    name: "ValidationException",
  });
});

test("an event for a bus that does not exist is accepted and lost", async () => {
  expect(await put({ EventBusName: "nobody" })).toMatchObject({ FailedEntryCount: 0 });
});
