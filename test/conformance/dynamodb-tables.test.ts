import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createIndexedTable, createPlainTable } from "./dynamodb-fixture.ts";
import { type Endpoint, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;

beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const describeTable = async (TableName: string) =>
  (await endpoint.client.send(new DescribeTableCommand({ TableName }))).Table;

const hash = (AttributeName: string) => ({ AttributeName, KeyType: "HASH" as const });
const text = (AttributeName: string) => ({ AttributeName, AttributeType: "S" as const });

describe("a table", () => {
  test("is described as it was created", async () => {
    const table = await describeTable(await createIndexedTable(endpoint));
    expect(table).toMatchObject({
      TableStatus: "ACTIVE",
      KeySchema: [
        { AttributeName: "PK", KeyType: "HASH" },
        { AttributeName: "SK", KeyType: "RANGE" },
      ],
      BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    });
    const indexes = new Map(
      table?.GlobalSecondaryIndexes?.map((index) => [index.IndexName, index]),
    );
    expect(indexes.get("notes")).toMatchObject({
      IndexStatus: "ACTIVE",
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["note"] },
    });
    expect([...indexes.keys()].sort()).toEqual(["everything", "keys", "notes"]);
  }, 130_000);

  test("names its stream", async () => {
    const table = await describeTable(
      await endpoint.createTable("streamed", {
        AttributeDefinitions: [text("PK")],
        KeySchema: [hash("PK")],
        StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
      }),
    );
    expect(table?.StreamSpecification).toEqual({
      StreamEnabled: true,
      StreamViewType: "NEW_AND_OLD_IMAGES",
    });
    expect(table?.LatestStreamArn).toMatch(/^arn:aws:dynamodb:.+:table\/streamed-.+\/stream\/.+$/);
  }, 130_000);

  test("exists once", async () => {
    const TableName = await createPlainTable(endpoint);
    const error = await refusal(
      endpoint.client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [text("PK")],
          KeySchema: [hash("PK")],
        }),
      ),
    );
    expect(error.name).toBe("ResourceInUseException");
  }, 130_000);

  test("that does not exist can neither be described nor deleted", async () => {
    const TableName = "no-such-table";
    expect((await refusal(describeTable(TableName))).name).toBe("ResourceNotFoundException");
    const error = await refusal(endpoint.client.send(new DeleteTableCommand({ TableName })));
    expect(error.name).toBe("ResourceNotFoundException");
  });
});

describe("a table is refused", () => {
  const index = (IndexName: string, ProjectionType: string, NonKeyAttributes?: string[]) =>
    ({
      IndexName,
      KeySchema: [hash("PK")],
      Projection: { ProjectionType, ...(NonKeyAttributes && { NonKeyAttributes }) },
    }) as NonNullable<CreateTableCommandInput["GlobalSecondaryIndexes"]>[number];

  const cases: readonly (readonly [string, Partial<CreateTableCommandInput>])[] = [
    ["with a name of two letters", { TableName: "ab" }],
    ["with a name with a space", { TableName: "a table" }],
    ["with an attribute that no key uses", { AttributeDefinitions: [text("PK"), text("x")] }],
    ["with a key that is not defined", { AttributeDefinitions: [text("x")] }],
    ["without a hash key", { KeySchema: [{ AttributeName: "PK", KeyType: "RANGE" }] }],
    ["with two hash keys", { KeySchema: [hash("PK"), hash("PK")] }],
    ["with an index name of two letters", { GlobalSecondaryIndexes: [index("ab", "ALL")] }],
    [
      "with two indexes of one name",
      { GlobalSecondaryIndexes: [index("same", "ALL"), index("same", "ALL")] },
    ],
    ["with an unknown projection", { GlobalSecondaryIndexes: [index("index", "SOME")] }],
    ["with INCLUDE of nothing", { GlobalSecondaryIndexes: [index("index", "INCLUDE")] }],
    ["with ALL and more", { GlobalSecondaryIndexes: [index("index", "ALL", ["x"])] }],
  ];
  test.each(cases)("%s", async (_, more) => {
    const error = await refusal(
      endpoint.client.send(
        new CreateTableCommand({
          TableName: `refused-${crypto.randomUUID()}`,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [text("PK")],
          KeySchema: [hash("PK")],
          ...more,
        }),
      ),
    );
    expect(error.name).toBe("ValidationException");
  });
});

describe("time to live", () => {
  const update = (TableName: string, AttributeName: string, Enabled: boolean) =>
    endpoint.client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName, Enabled },
      }),
    );
  const status = async (TableName: string) =>
    (await endpoint.client.send(new DescribeTimeToLiveCommand({ TableName })))
      .TimeToLiveDescription;

  test("is off until it is switched on", async () => {
    const name = await createPlainTable(endpoint);
    expect(await status(name)).toEqual({ TimeToLiveStatus: "DISABLED" });
    await update(name, "expires_at", true);
    expect(await status(name)).toMatchObject({ AttributeName: "expires_at" });
    expect((await status(name))?.TimeToLiveStatus).toMatch(/^ENABL(ED|ING)$/);
  }, 130_000);

  test("is not switched twice, nor to another attribute", async () => {
    const name = await createPlainTable(endpoint);
    expect((await refusal(update(name, "expires_at", false))).name).toBe("ValidationException");
    await update(name, "expires_at", true);
    expect((await refusal(update(name, "expires_at", true))).name).toBe("ValidationException");
    expect((await refusal(update(name, "other", true))).name).toBe("ValidationException");
  }, 130_000);
});
