import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compiledService } from "../../localstack/compiled.ts";
import { deployed } from "./template.ts";

const production = await deployed();
const ephemeral = await deployed({ LULL_STAGE_KIND: "ephemeral" });

const folderOf = (handler: string): string => handler.split("/").at(-2) ?? "";
const functions = production.all("AWS::Lambda::Function").map(({ id, properties }) => ({
  id,
  name: String(properties["FunctionName"]),
  folder: folderOf(properties["Handler"]),
  properties,
}));
const DEAD_LETTERS = "arn:aws:sqs:us-east-1:000000000000:lull-dev-dead-letters";

const PLANNERS = new Set(["lull-dev-enginePlan", "lull-dev-sessionOrderHosts"]);

describe("every function", () => {
  test("is deployed for each file below functions, once", () => {
    const files = ["api", "session", "host", "engine", "sinks"].flatMap((folder) =>
      readdirSync(new URL(`../../functions/${folder}`, import.meta.url)).map(
        (file) => `dist/functions/${folder}/${file.replace(".ts", ".handler")}`,
      ),
    );
    const handlers = functions.map(({ properties }) => String(properties["Handler"]));
    expect(handlers.toSorted()).toEqual(files.toSorted());
  });

  test.each(functions)(
    "$name has memory, a time-out that fits its caller, and a log that ends",
    ({ name, folder, properties }) => {
      const { MemorySize, Timeout, Runtime, Architectures } = properties;
      expect({ MemorySize, Runtime, Architectures }).toEqual({
        // Planners need a processor for themselves, which Lambda gives with so much memory.
        MemorySize: PLANNERS.has(name) ? 1769 : 512,
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
      });
      // An HTTP API waits 30 s; a step that is silent for 120 s is taken over.
      if (folder === "api") expect(Timeout).toBe(29);
      else if (folder === "host") expect(Timeout).toBe(60);
      else expect(Timeout).toBeGreaterThanOrEqual(60);
      const group = production
        .all("AWS::Logs::LogGroup")
        .find((one) => one.properties["LogGroupName"] === `/aws/lambda/${name}`);
      expect(group?.properties["RetentionInDays"]).toBe(30);
    },
  );

  test("of the engine has concurrency that no burst elsewhere can take", () => {
    const reserved = Object.groupBy(
      functions,
      ({ folder, properties }) => `${folder} ${properties["ReservedConcurrentExecutions"]}`,
    );
    const counts = Object.fromEntries(
      Object.entries(reserved).map(([key, found]) => [key, found?.length]),
    );
    expect(counts).toEqual({
      "api undefined": 11,
      "session 5": 9,
      "host 25": 17,
      "engine 10": 2,
      "engine 1": 3,
      "sinks 100": 1,
      "sinks 1": 1,
    });
  });

  test("of an account with 1,000 leaves the 100 that must stay unreserved, and as many for the API", () => {
    const sum = functions.reduce(
      (total, { properties }) => total + (properties["ReservedConcurrentExecutions"] ?? 0),
      0,
    );
    expect(sum).toBeLessThanOrEqual(1_000 - 100 - 100);
  });

  test("that takes events from the bus is capped, so that no receiver starves the rest", () => {
    const targets = production
      .all("AWS::Events::Rule")
      .flatMap(({ properties }) => properties["Targets"])
      .map(({ Arn }: { Arn: string }) => Arn.split(":").at(-1));
    for (const name of targets)
      expect(
        functions.find((one) => one.name === name)?.properties["ReservedConcurrentExecutions"],
        name,
      ).toBe(name === "lull-dev-sinkNotify" ? 100 : 1);
  });

  test("that nobody waits for tells the dead-letter queue what it gave up", () => {
    const configs = production.all("AWS::Lambda::EventInvokeConfig").map(({ properties }) => ({
      of: properties["FunctionName"].split(":").at(-1),
      to: properties["DestinationConfig"].OnFailure.Destination,
      tries: properties["MaximumRetryAttempts"],
      seconds: properties["MaximumEventAgeInSeconds"],
    }));
    expect(configs.toSorted((a, b) => a.of.localeCompare(b.of))).toEqual([
      { of: "lull-dev-enginePlan", to: DEAD_LETTERS, tries: 2, seconds: 1800 },
      { of: "lull-dev-engineSync", to: DEAD_LETTERS, tries: 2, seconds: 900 },
      { of: "lull-dev-engineTick", to: DEAD_LETTERS, tries: 0, seconds: 60 },
      { of: "lull-dev-sinkNotify", to: DEAD_LETTERS, tries: 2, seconds: 21_600 },
      { of: "lull-dev-sinkPublishAmqp", to: DEAD_LETTERS, tries: 2, seconds: 900 },
    ]);
  });
});

test("only events are handed to who publishes them", () => {
  const { properties } = production.one("EnginePublishEventSourceMappingDynamodbTable");
  const [{ Pattern }] = properties["FilterCriteria"].Filters;
  expect(JSON.parse(Pattern)).toEqual({
    eventName: ["INSERT"],
    dynamodb: { NewImage: { kind: { S: ["event"] } } },
  });
});

test("readers of the stream isolate what fails, try it five times, and tell the dead-letter queue", () => {
  const mappings = production.all("AWS::Lambda::EventSourceMapping");
  expect(mappings).toHaveLength(2);
  for (const { properties } of mappings)
    expect(properties).toMatchObject({
      StartingPosition: "TRIM_HORIZON",
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 5,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      DestinationConfig: { OnFailure: { Destination: DEAD_LETTERS } },
    });
});

test("dead letters are encrypted, and kept as long as SQS keeps anything", () => {
  expect(production.one("DeadLetters").properties).toMatchObject({
    SqsManagedSseEnabled: true,
    MessageRetentionPeriod: 14 * 86_400,
  });
});

test("the table is encrypted under a key whose use is logged, and can be put back to any second", () => {
  expect(production.one("Table").properties).toMatchObject({
    SSESpecification: { SSEEnabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
});

test("the table of a production stage outlives the stack and every mistake; that of an ephemeral one does not", () => {
  expect(production.one("Table")).toMatchObject({
    DeletionPolicy: "Retain",
    UpdateReplacePolicy: "Retain",
    properties: { DeletionProtectionEnabled: true },
  });
  expect(ephemeral.one("Table")).toMatchObject({
    DeletionPolicy: "Delete",
    UpdateReplacePolicy: "Delete",
    properties: { DeletionProtectionEnabled: false },
  });
});

test.each([
  ["a production stage is not removed by one command", {}, true],
  ["an ephemeral stage is", { LULL_STAGE_KIND: "ephemeral" }, null],
])("%s", async (_, variables, deletionProtection) => {
  expect(await compiledService(variables)).toMatchObject({
    service: { provider: { deletionProtection } },
  });
});

test("an ephemeral stage reserves no concurrency: a new account has none to give away", () => {
  const reserved = ephemeral
    .all("AWS::Lambda::Function")
    .filter(({ properties }) => properties["ReservedConcurrentExecutions"] !== undefined);
  expect(reserved).toEqual([]);
});

test("the API is throttled, and each request is logged without its headers", () => {
  const { properties } = production.one("HttpApiStage");
  expect(properties["DefaultRouteSettings"]).toMatchObject({
    ThrottlingRateLimit: 50,
    ThrottlingBurstLimit: 100,
  });
  const { Format, DestinationArn } = properties["AccessLogSettings"];
  expect(Object.keys(JSON.parse(Format))).toContain("status");
  expect(Format).not.toMatch(/header|authorizer|querystring/i);
  const group = production.one("HttpApiLogGroup");
  expect(DestinationArn).toContain(group.properties["LogGroupName"]);
  expect(group.properties["RetentionInDays"]).toBe(30);
});

test("the bucket of the archives is closed and encrypted", () => {
  expect(production.one("ServerlessDeploymentBucket").properties).toMatchObject({
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        { ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } },
      ],
    },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
  });
});

test("all functions are in the VPC, or none", async () => {
  for (const { properties } of functions) expect(properties["VpcConfig"]).toBeUndefined();
  const inVpc = await deployed({
    LULL_NETWORK: "vpc",
    LULL_SUBNET_IDS: "subnet-0a1b2c3d,subnet-1a1b2c3d",
    LULL_SECURITY_GROUP_IDS: "sg-0a1b2c3d",
  });
  for (const { id, properties } of inVpc.all("AWS::Lambda::Function"))
    expect(properties["VpcConfig"], id).toEqual({
      SubnetIds: ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
      SecurityGroupIds: ["sg-0a1b2c3d"],
    });
});

test("the API knows itself by the address that AWS gives it unless it is told another", async () => {
  const own = functions[0]?.properties["Environment"].Variables["LULL_PUBLIC_URL"];
  expect(own).toBe("https://HttpApi.execute-api.us-east-1.amazonaws.com");
  const named = await deployed({ LULL_PUBLIC_URL: "https://lull.example.org" });
  const [first] = named.all("AWS::Lambda::Function");
  expect(first?.properties["Environment"].Variables["LULL_PUBLIC_URL"]).toBe(
    "https://lull.example.org",
  );
});
