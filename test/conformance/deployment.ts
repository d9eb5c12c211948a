import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startStack } from "../../localstack/aws/stack.ts";

/** A stack to be judged: the embedded one, or one deployed to whatever answers at CONFORMANCE_ENDPOINT. */
export type Deployment = {
  /** For the constructors of SDK clients. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
  readonly close: () => Promise<void>;
};

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
type Resource = { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> };

const ROLE = "arn:aws:iam::000000000000:role/conformance";

/** A function whose source (CommonJS, exports `handler`) is in the template itself. */
export const inlineFunction = (FunctionName: string, source: string, properties: object = {}) => ({
  Type: "AWS::Lambda::Function",
  Properties: {
    FunctionName,
    Handler: "index.handler",
    Runtime: "nodejs22.x",
    Role: ROLE,
    Timeout: 30,
    Code: { ZipFile: source },
    ...properties,
  },
});

/** `Definition` may name the functions as `${LogicalId}`. */
export const stateMachine = (
  StateMachineName: string,
  Definition: object,
  functions: readonly string[],
) => ({
  Type: "AWS::StepFunctions::StateMachine",
  Properties: {
    StateMachineName,
    RoleArn: ROLE,
    DefinitionString: JSON.stringify(Definition),
    DefinitionSubstitutions: Object.fromEntries(
      functions.map((id) => [id, { "Fn::GetAtt": [id, "Arn"] }]),
    ),
  },
});

const evaluate = (source: string): Handler => {
  const exports: { handler?: Handler } = {};
  new Function("exports", source)(exports);
  if (!exports.handler) throw new Error("the source exports no handler");
  return exports.handler;
};

const deployEmbedded = async (
  resources: Readonly<Record<string, Resource>>,
  secrets: Readonly<Record<string, string>>,
): Promise<Deployment> => {
  const data = mkdtempSync(join(tmpdir(), "lull-conformance-"));
  const stack = await startStack({
    template: { Resources: resources },
    handlers: async (id) => {
      const code = resources[id]?.Properties["Code"] as { ZipFile: string } | undefined;
      return evaluate(code?.ZipFile ?? "");
    },
    data,
    durability: "NORMAL",
    secrets,
  });
  return {
    client: {
      endpoint: stack.awsEndpoint,
      region: "us-east-1",
      credentials: stack.credentials,
      maxAttempts: 1,
    },
    close: async () => {
      await stack.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};

const CREDENTIALS = { accessKeyId: "conformance", secretAccessKey: "conformance" };

/** CloudFormation's query protocol; emulators do not check signatures. */
const cloudFormation = async (endpoint: string, parameters: Readonly<Record<string, string>>) => {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      Authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/20260101/us-east-1/cloudformation/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams({ Version: "2010-05-15", ...parameters }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`CloudFormation: ${text}`);
  return text;
};

const createSecret = async (endpoint: string, Name: string, SecretString: string) => {
  await fetch(endpoint, {
    method: "POST",
    headers: {
      "X-Amz-Target": "secretsmanager.CreateSecret",
      "Content-Type": "application/x-amz-json-1.1",
      Authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ Name, SecretString, ClientRequestToken: crypto.randomUUID() }),
  });
};

const deployTo = async (
  endpoint: string,
  resources: Readonly<Record<string, Resource>>,
  secrets: Readonly<Record<string, string>>,
): Promise<Deployment> => {
  const StackName = `conformance-${crypto.randomUUID()}`;
  await cloudFormation(endpoint, {
    Action: "CreateStack",
    StackName,
    TemplateBody: JSON.stringify({ Resources: resources }),
  });
  for (;;) {
    const status = /<StackStatus>(\w+)</.exec(
      await cloudFormation(endpoint, { Action: "DescribeStacks", StackName }),
    )?.[1];
    if (status === "CREATE_COMPLETE") break;
    if (!status?.endsWith("IN_PROGRESS")) throw new Error(`the deployment is ${status}`);
    await pause(200);
  }
  for (const [name, value] of Object.entries(secrets)) await createSecret(endpoint, name, value);
  return {
    client: { endpoint, region: "us-east-1", credentials: CREDENTIALS, maxAttempts: 1 },
    close: async () => {
      await cloudFormation(endpoint, { Action: "DeleteStack", StackName });
    },
  };
};

/** Deploys the resources, and creates the secrets, where the suite is to run. */
export const deploy = (
  resources: Readonly<Record<string, Resource>>,
  secrets: Readonly<Record<string, string>> = {},
): Promise<Deployment> => {
  const endpoint = process.env["CONFORMANCE_ENDPOINT"];
  return endpoint ? deployTo(endpoint, resources, secrets) : deployEmbedded(resources, secrets);
};
