import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import { expect, test } from "vitest";
import { DataFolderInUseError, lockFolder } from "../../../localstack/aws/lock.ts";
import { ReadableByOthersError } from "../../../localstack/aws/private-file.ts";
import {
  functionResource,
  jsonOf,
  machineResource,
  temporaryFolder,
  testStack,
} from "./harness.ts";

test("a folder in use is refused, with the process that uses it", async () => {
  using data = temporaryFolder();
  const free = lockFolder(data.folder);

  const refused = testStack({}, {}, { data: data.folder });
  await expect(refused).rejects.toThrow(DataFolderInUseError);
  await expect(refused).rejects.toThrow(`${data.folder} is in use by process ${process.pid}`);
  free();
  await using _ = await testStack({}, {}, { data: data.folder });
});

test("a stack that cannot start leaves its folder free", async () => {
  using data = temporaryFolder();
  const broken = testStack(
    {},
    { f: functionResource("f") },
    {
      data: data.folder,
      handlers: () => Promise.reject(new Error("syntax")),
    },
  );

  await expect(broken).rejects.toThrow("function f (test.handler) cannot be loaded");
  lockFolder(data.folder)();
});

test("a wrong access key is refused, and so is none", async () => {
  await using stack = await testStack({});
  const sfn = new SFNClient({
    ...stack.client,
    credentials: { accessKeyId: "AKIAWRONG", secretAccessKey: "wrong" },
  });
  const request = sfn.send(
    new DescribeExecutionCommand({
      executionArn: "arn:aws:states:us-east-1:000000000000:execution:m:n",
    }),
  );
  const anonymous = await fetch(stack.awsEndpoint, {
    method: "POST",
    headers: { "X-Amz-Target": "DynamoDB_20120810.Scan" },
    body: "{}",
  });

  await expect(request).rejects.toMatchObject({ name: "UnrecognizedClientException" });
  expect(anonymous.status).toBe(400);
  expect((await jsonOf(anonymous)).__type).toBe(
    "com.amazonaws#MissingAuthenticationTokenException",
  );
});

test("an operation that is not implemented says so", async () => {
  await using stack = await testStack({});
  const call = async (target: string) => {
    const response = await fetch(stack.awsEndpoint, {
      method: "POST",
      headers: {
        "X-Amz-Target": target,
        Authorization: `AWS4-HMAC-SHA256 Credential=${stack.credentials.accessKeyId}/x/y/z`,
      },
      body: "{}",
    });
    return (await jsonOf(response)).message;
  };

  expect(await call("AmazonSQS.SendMessage")).toMatch("AmazonSQS.SendMessage");
  expect(await call("AWSStepFunctions.CreateActivity")).toMatch("CreateActivity");
});

test("secrets and the access key are kept in files that only their owner may read", async () => {
  using data = temporaryFolder();
  await using stack = await testStack(
    {},
    {},
    { data: data.folder, secrets: { "lull/os": "s3cret" } },
  );
  const client = new SecretsManagerClient(stack.client);
  const get = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }));

  expect(await get("lull/os")).toMatchObject({ Name: "lull/os", SecretString: "s3cret" });
  await expect(get("none")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  for (const file of ["secrets.json", "credentials.json"])
    expect(statSync(join(data.folder, file)).mode & 0o777).toBe(0o600);
});

test("a secret that the template has made up is made up once for each folder", async () => {
  using data = temporaryFolder();
  using otherData = temporaryFolder();
  const Key = {
    Type: "AWS::SecretsManager::Secret",
    Properties: { GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true } },
  };
  const keyIn = async (folder: string) => {
    await using stack = await testStack({}, { Key }, { data: folder });
    const client = new SecretsManagerClient(stack.client);
    const SecretId = "arn:aws:secretsmanager:us-east-1:000000000000:secret:local-Key-000000";
    return (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  };
  const first = await keyIn(data.folder);

  expect(first).toMatch(/^[A-Za-z0-9]{64}$/);
  expect(await keyIn(data.folder)).toBe(first);
  expect(await keyIn(otherData.folder)).not.toBe(first);
});

test("a secrets file that others may read is refused", async () => {
  using data = temporaryFolder();
  await (await testStack({}, {}, { data: data.folder })).close();
  chmodSync(join(data.folder, "secrets.json"), 0o644);

  await expect(testStack({}, {}, { data: data.folder })).rejects.toThrow(ReadableByOthersError);
});

test("the access key of a folder stays the same", async () => {
  using data = temporaryFolder();
  const keyOf = async () => {
    await using stack = await testStack({}, {}, { data: data.folder });
    return stack.credentials.accessKeyId;
  };

  expect(await keyOf()).toBe(await keyOf());
});

test("handlers find endpoint, key, region and the template's variables in their environment", async () => {
  const seen: Record<string, string | undefined> = {};
  await using stack = await testStack(
    { f: () => undefined },
    {
      f: functionResource("f", { Environment: { Variables: { TABLE: "lull", FROM: "template" } } }),
    },
    {
      environment: { FROM: "options" },
      handlers: async () => {
        Object.assign(seen, process.env);
        return async () => undefined;
      },
    },
  );

  expect(seen).toMatchObject({
    AWS_ENDPOINT_URL: stack.awsEndpoint,
    AWS_ACCESS_KEY_ID: stack.credentials.accessKeyId,
    AWS_REGION: "us-east-1",
    TABLE: "lull",
    FROM: "options",
  });
});

test("two functions that want different values for one variable are refused", async () => {
  const variable = (A: string) => ({ Environment: { Variables: { A } } });

  await expect(
    testStack(
      {},
      { f: functionResource("f", variable("1")), g: functionResource("g", variable("2")) },
    ),
  ).rejects.toThrow("g sets A to another value");
});

test("a machine that calls a function which is not there is refused by name", async () => {
  const Resource = "arn:aws:lambda:us-east-1:000000000000:function:nobody";
  const machine = machineResource("session", {
    StartAt: "A",
    States: { A: { Type: "Task", Resource, End: true } },
  });

  await expect(testStack({}, { Machine: machine })).rejects.toThrow(
    /state machine session: .*function:nobody/,
  );
});
