import { BatchWriteItemCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBRecord } from "aws-lambda";
import { expect, test } from "vitest";
import { misbehaviour } from "../../../../localstack/aws/misbehaviour.ts";
import {
  functionArn,
  type Lambdas,
  queueArn,
  queueResource,
  temporaryFolder,
  testStack,
  until,
} from "../harness.ts";

type Batch = { Records: DynamoDBRecord[] };
const keyOf = (record: DynamoDBRecord) => Number(record.dynamodb?.Keys?.["SK"]?.N);
const keysOf = ({ Records }: Batch) => Records.map(keyOf);

const withStream = async (
  functions: Lambdas,
  mapping: object = {},
  options: Parameters<typeof testStack>[2] = {},
) => {
  const stack = await testStack(
    functions,
    {
      Table: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          TableName: "lull",
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [
            { AttributeName: "PK", AttributeType: "S" },
            { AttributeName: "SK", AttributeType: "N" },
          ],
          KeySchema: [
            { AttributeName: "PK", KeyType: "HASH" },
            { AttributeName: "SK", KeyType: "RANGE" },
          ],
          StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
        },
      },
      Lost: queueResource("lost"),
      Mapping: {
        Type: "AWS::Lambda::EventSourceMapping",
        Properties: {
          EventSourceArn: { "Fn::GetAtt": ["Table", "StreamArn"] },
          FunctionName: functionArn("drive"),
          StartingPosition: "TRIM_HORIZON",
          DestinationConfig: { OnFailure: { Destination: queueArn("lost") } },
          ...mapping,
        },
      },
    },
    options,
  );
  const client = new DynamoDBClient(stack.client);
  const item = (SK: number) => ({ PK: { S: "A" }, SK: { N: String(SK) } });
  const put = (SK: number) =>
    client.send(new PutItemCommand({ TableName: "lull", Item: item(SK) }));
  /** One commit, so that one batch can hold them all. */
  const putAll = (...numbers: number[]) =>
    client.send(
      new BatchWriteItemCommand({
        RequestItems: { lull: numbers.map((SK) => ({ PutRequest: { Item: item(SK) } })) },
      }),
    );
  const pass = (ms: number) => stack.clock.runUntil(() => false, stack.clock.now() + ms);
  return { ...stack, put, putAll, pass };
};

test("a function gets the records of its table in order, with their images", async () => {
  const seen: DynamoDBRecord[] = [];
  await using stack = await withStream({
    drive: ({ Records }: Batch) => void seen.push(...Records),
  });
  for (const number of [1, 2, 3]) await stack.put(number);
  await until(() => seen.length === 3);

  expect(seen.map(keyOf)).toEqual([1, 2, 3]);
  expect(seen[0]).toMatchObject({
    eventName: "INSERT",
    eventSource: "aws:dynamodb",
    eventSourceARN: expect.stringContaining(":table/lull/stream/"),
    dynamodb: { NewImage: { PK: { S: "A" }, SK: { N: "1" } } },
  });
});

test("a batch holds no more than BatchSize records", async () => {
  const sizes: number[] = [];
  await using stack = await withStream(
    { drive: (batch: Batch) => void sizes.push(batch.Records.length) },
    { BatchSize: 2 },
  );
  await stack.putAll(1, 2, 3, 4, 5);
  await until(() => sizes.reduce((sum, size) => sum + size, 0) === 5);

  expect(Math.max(...sizes)).toBeLessThanOrEqual(2);
});

test("a failing batch is tried again and holds up what comes after it", async () => {
  const batches: number[][] = [];
  await using stack = await withStream({
    drive: (batch: Batch) => {
      batches.push(keysOf(batch));
      if (batches.length < 4) throw new Error("not yet");
    },
  });
  await stack.put(1);
  await stack.put(2);
  await stack.pass(60_000);

  expect(batches).toEqual([[1], [1], [1], [1], [2]]);
});

test("reported failures move the checkpoint to the first of them", async () => {
  const batches: number[][] = [];
  await using stack = await withStream(
    {
      drive: async (batch: Batch) => {
        batches.push(keysOf(batch));
        const failed = batches.length === 1 ? batch.Records.slice(2) : [];
        return {
          batchItemFailures: failed.map((record) => ({
            itemIdentifier: record.dynamodb?.SequenceNumber,
          })),
        };
      },
    },
    { FunctionResponseTypes: ["ReportBatchItemFailures"] },
  );
  await stack.putAll(1, 2, 3, 4);
  await stack.pass(60_000);

  expect(batches).toEqual([
    [1, 2, 3, 4],
    [3, 4],
  ]);
});

test("a poisonous record alone is given up after MaximumRetryAttempts, and the queue says where it was", async () => {
  const handled: number[] = [];
  let poisonTries = 0;
  await using stack = await withStream(
    {
      drive: (batch: Batch) => {
        const numbers = keysOf(batch);
        if (numbers.includes(3)) {
          if (numbers.length === 1) poisonTries += 1;
          throw new Error("poison");
        }
        handled.push(...numbers);
      },
    },
    { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 2 },
  );
  await stack.putAll(1, 2, 3, 4, 5);
  await stack.pass(60_000);
  const letters = stack.deadLetters();
  const { requestContext, DDBStreamBatchInfo } = JSON.parse(letters[0]?.body ?? "{}");

  expect(handled).toEqual([1, 2, 4, 5]);
  expect(poisonTries).toBe(3);
  expect(letters).toHaveLength(1);
  expect(requestContext.condition).toBe("RetryAttemptsExhausted");
  expect(DDBStreamBatchInfo).toMatchObject({ batchSize: 1 });
});

test("filters keep records from the function", async () => {
  const batches: number[][] = [];
  await using stack = await withStream(
    { drive: (batch: Batch) => void batches.push(keysOf(batch)) },
    {
      FilterCriteria: {
        Filters: [{ Pattern: JSON.stringify({ dynamodb: { Keys: { SK: { N: ["2"] } } } }) }],
      },
    },
  );
  await stack.putAll(1, 2, 3);
  await until(() => batches.length === 1);

  expect(batches).toEqual([[2]]);
});

test("the checkpoint survives a restart, and so do tries and halves of a failing batch", async () => {
  using data = temporaryFolder();
  const first: number[][] = [];
  {
    await using stack = await withStream(
      {
        drive: (batch: Batch) => {
          first.push(keysOf(batch));
          if (keysOf(batch).includes(3)) throw new Error("poison");
        },
      },
      { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 2 },
      { data: data.folder },
    );
    await stack.putAll(1, 2, 3, 4);
    await until(() => first.some((batch) => batch.length === 1 && batch[0] === 3));
  }
  const second: number[][] = [];
  await using stack = await withStream(
    {
      drive: (batch: Batch) => {
        second.push(keysOf(batch));
        if (keysOf(batch).includes(3)) throw new Error("poison");
      },
    },
    { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 2 },
    { data: data.folder },
  );
  await stack.pass(60_000);

  expect(second).toEqual([[3], [3], [4]]);
  expect(stack.deadLetters()).toHaveLength(1);
});

test("misbehaviour delivers batches late and twice, and keeps their order", async () => {
  const seen: number[] = [];
  await using stack = await withStream(
    { drive: (batch: Batch) => void seen.push(...keysOf(batch)) },
    { BatchSize: 1 },
    { misbehaviour: misbehaviour({ seed: 5, duplicate: 0.5, delayMs: 3_000 }) },
  );
  await stack.putAll(1, 2, 3, 4, 5, 6);
  await stack.pass(60_000);

  expect([...new Set(seen)]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(seen.length).toBeGreaterThan(6);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});
