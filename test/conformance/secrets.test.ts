import {
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, deploy } from "./deployment.ts";

const name = `conformance/${crypto.randomUUID()}`;
let deployment: Deployment;
let get: (SecretId: string) => Promise<GetSecretValueCommandOutput>;

beforeAll(async () => {
  deployment = await deploy(
    { Queue: { Type: "AWS::SQS::Queue", Properties: { QueueName: `q-${crypto.randomUUID()}` } } },
    { [name]: "s3cret" },
  );
  const client = new SecretsManagerClient(deployment.client);
  get = (SecretId) => client.send(new GetSecretValueCommand({ SecretId }));
}, 60_000);
afterAll(() => deployment?.close());

test("a secret is found by its name and by its ARN", async () => {
  const found = await get(name);

  expect(found).toMatchObject({ Name: name, SecretString: "s3cret" });
  expect(await get(found.ARN ?? "")).toMatchObject({ Name: name, SecretString: "s3cret" });
});

test("a secret that does not exist is ResourceNotFoundException", async () => {
  await expect(get("conformance/absent")).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
});
