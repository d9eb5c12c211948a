import * as z from "zod";
import {
  type Attributes,
  decide,
  NO_VALUE,
  resolve,
  type Scope,
  TemplateError,
} from "./intrinsics.ts";

/** The account that every ARN of the embedded stack names; AWS never gives it out. */
export const ACCOUNT_ID = "000000000000";

/** Prefix of names that the template leaves to CloudFormation. */
export const STACK_NAME = "local";

export const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.strictObject({
      Type: z.string(),
      Properties: z.record(z.string(), z.unknown()).default({}),
      Condition: z.string().optional(),
      DependsOn: z.unknown().optional(),
      DeletionPolicy: z.unknown().optional(),
      UpdateReplacePolicy: z.unknown().optional(),
      Metadata: z.unknown().optional(),
    }),
  ),
  Parameters: z.record(z.string(), z.looseObject({ Default: z.unknown() })).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
});
export type Template = z.infer<typeof templateSchema>;
export type Resource = z.infer<typeof templateSchema>["Resources"][string];

/** How a resource type is named and addressed: its own name, and its ARN's service and path. */
type Address = {
  readonly nameProperty: string;
  readonly arn: (name: string) => string;
  readonly ref: "name" | "arn" | "id" | "url";
};
const ADDRESSES: Readonly<Record<string, Address>> = {
  "AWS::Lambda::Function": {
    nameProperty: "FunctionName",
    arn: (name) => `lambda:REGION:ACCOUNT:function:${name}`,
    ref: "name",
  },
  "AWS::DynamoDB::Table": {
    nameProperty: "TableName",
    arn: (name) => `dynamodb:REGION:ACCOUNT:table/${name}`,
    ref: "name",
  },
  "AWS::StepFunctions::StateMachine": {
    nameProperty: "StateMachineName",
    arn: (name) => `states:REGION:ACCOUNT:stateMachine:${name}`,
    ref: "arn",
  },
  "AWS::Events::EventBus": {
    nameProperty: "Name",
    arn: (name) => `events:REGION:ACCOUNT:event-bus/${name}`,
    ref: "name",
  },
  "AWS::Events::Rule": {
    nameProperty: "Name",
    arn: (name) => `events:REGION:ACCOUNT:rule/${name}`,
    ref: "name",
  },
  "AWS::SQS::Queue": {
    nameProperty: "QueueName",
    arn: (name) => `sqs:REGION:ACCOUNT:${name}`,
    ref: "url",
  },
  "AWS::SecretsManager::Secret": {
    nameProperty: "Name",
    arn: (name) => `secretsmanager:REGION:ACCOUNT:secret:${name}-000000`,
    ref: "arn",
  },
  "AWS::IAM::Role": {
    nameProperty: "RoleName",
    arn: (name) => `iam::ACCOUNT:role/${name}`,
    ref: "name",
  },
  "AWS::Logs::LogGroup": {
    nameProperty: "LogGroupName",
    arn: (name) => `logs:REGION:ACCOUNT:log-group:${name}:*`,
    ref: "name",
  },
  "AWS::S3::Bucket": { nameProperty: "BucketName", arn: (name) => `s3:::${name}`, ref: "name" },
  "AWS::ApiGatewayV2::Api": { nameProperty: "", arn: (name) => `apigateway:${name}`, ref: "id" },
  "AWS::ApiGatewayV2::Integration": {
    nameProperty: "",
    arn: (name) => `apigateway:${name}`,
    ref: "id",
  },
};

/** Names, ARNs, parameters and conditions of one template. */
export const scopeOf = (template: Template, region: string): Scope => {
  const address = (id: string) => {
    const resource = template.Resources[id];
    const kind = resource && ADDRESSES[resource.Type];
    if (!resource || !kind)
      throw new TemplateError(`the template has nothing to refer to as ${id}`);
    const given = resolve(scope, resource.Properties[kind.nameProperty]);
    const name = typeof given === "string" ? given : `${STACK_NAME}-${id}`;
    const arn = `arn:aws:${kind.arn(name).replace("REGION", region).replace("ACCOUNT", ACCOUNT_ID)}`;
    return { name, arn, kind, type: resource.Type };
  };
  const pseudo: Attributes = {
    "AWS::Region": region,
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": STACK_NAME,
    "AWS::NoValue": NO_VALUE,
  };
  const scope: Scope = {
    ref: (name) => {
      if (Object.hasOwn(pseudo, name)) return pseudo[name];
      const parameter = template.Parameters[name];
      if (parameter && parameter.Default === undefined)
        throw new TemplateError(`parameter ${name} has no default`);
      if (parameter) return parameter.Default;
      const found = address(name);
      if (found.kind.ref === "id") return name;
      if (found.kind.ref === "url")
        return `https://sqs.${region}.amazonaws.com/${ACCOUNT_ID}/${found.name}`;
      return found.kind.ref === "arn" ? found.arn : found.name;
    },
    getAtt: (id, attribute) => {
      const { name, arn, type, kind } = address(id);
      if (attribute === "Arn" && kind.ref !== "id") return arn;
      if (attribute === kind.nameProperty || (attribute === "Name" && kind.ref !== "id"))
        return name;
      if (attribute === "StreamArn" && type === "AWS::DynamoDB::Table") return streamArn(arn);
      throw new TemplateError(`the embedded stack does not know attribute ${attribute} of ${id}`);
    },
    condition: (name) => {
      if (!Object.hasOwn(template.Conditions, name))
        throw new TemplateError(`the template has no condition ${name}`);
      return decide(scope, template.Conditions[name]);
    },
  };
  return scope;
};

/** AWS labels a stream with the instant of its creation; here the label never changes. */
const streamArn = (tableArn: string) => `${tableArn}/stream/2020-01-01T00:00:00.000`;
