// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation spells its substitutions so
import { expect, test } from "vitest";
import { readTemplate } from "../../../localstack/aws/template.ts";

const fn = (properties: object = {}) => ({
  Type: "AWS::Lambda::Function",
  Properties: { FunctionName: "lull-hosts", Handler: "hosts.handler", ...properties },
});
const read = (Resources: object, rest: object = {}) => readTemplate({ Resources, ...rest });

test("references, joins, substitutions and conditions are resolved", () => {
  const { functions } = read(
    {
      Hosts: fn({
        Environment: {
          Variables: {
            TABLE: { Ref: "Table" },
            STREAM: { "Fn::GetAtt": ["Table", "StreamArn"] },
            MACHINE: {
              "Fn::Sub":
                "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:lull",
            },
            ROLE: { "Fn::Join": ["-", ["lull", { Ref: "Stage" }, { Ref: "AWS::Region" }]] },
            KEPT: { "Fn::If": ["Production", "yes", "no"] },
            GONE: { "Fn::If": ["Production", "yes", { Ref: "AWS::NoValue" }] },
            PARTS: { "Fn::Join": ["+", { "Fn::Split": [",", "a,b"] }] },
            LITERAL: { "Fn::Sub": ["${!Stage} is ${x}", { x: { Ref: "Stage" } }] },
          },
        },
      }),
      Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName: "lull" } },
    },
    {
      Parameters: { Stage: { Type: "String", Default: "dev" } },
      Conditions: { Production: { "Fn::Equals": [{ Ref: "Stage" }, "prod"] } },
    },
  );

  expect(functions[0]?.environment).toEqual({
    TABLE: "lull",
    STREAM: "arn:aws:dynamodb:us-east-1:000000000000:table/lull/stream/2020-01-01T00:00:00.000",
    MACHINE: "arn:aws:states:us-east-1:000000000000:stateMachine:lull",
    ROLE: "lull-dev-us-east-1",
    KEPT: "no",
    PARTS: "a+b",
    LITERAL: "${Stage} is dev",
  });
});

test("a resource whose condition does not hold is left out", () => {
  const { queues } = read(
    { Queue: { Type: "AWS::SQS::Queue", Condition: "Never" } },
    { Conditions: { Never: { "Fn::Not": [{ "Fn::Equals": ["a", "a"] }] } } },
  );

  expect(queues).toEqual([]);
});

test("substitutions reach into a state machine's definition", () => {
  const { machines } = read({
    Hosts: fn(),
    Machine: {
      Type: "AWS::StepFunctions::StateMachine",
      Properties: {
        StateMachineName: "lull",
        Definition: { States: { A: { Resource: "${HostsArn}" } } },
        DefinitionSubstitutions: { HostsArn: { "Fn::GetAtt": ["Hosts", "Arn"] } },
      },
    },
  });

  expect(machines[0]?.definition).toEqual({
    States: { A: { Resource: "arn:aws:lambda:us-east-1:000000000000:function:lull-hosts" } },
  });
});

test.each([
  ["an unknown resource type", { Topic: { Type: "AWS::SNS::Topic" } }, /AWS::SNS::Topic \(Topic\)/],
  ["an unknown property", { Hosts: fn({ Layers: ["x"] }) }, /Hosts.*[\s\S]*Layers/],
  ["an unknown reference", { Hosts: fn({ FunctionName: { Ref: "Nobody" } }) }, /Nobody/],
  ["an unknown function", { Hosts: fn({ Handler: { "Fn::Base64": "x" } }) }, /Fn::Base64/],
  [
    "a cron schedule",
    {
      Hosts: fn(),
      Rule: {
        Type: "AWS::Events::Rule",
        Properties: {
          ScheduleExpression: "cron(0 3 * * ? *)",
          Targets: [{ Id: "t", Arn: { "Fn::GetAtt": ["Hosts", "Arn"] } }],
        },
      },
    },
    /rule Rule: only rate/,
  ],
  [
    "a destination that is no queue of the template",
    { Hosts: fn({ DeadLetterConfig: { TargetArn: "arn:aws:sns:us-east-1:000000000000:t" } }) },
    /no queue of this template/,
  ],
  [
    "a batching window",
    {
      Hosts: fn(),
      Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName: "lull" } },
      Mapping: {
        Type: "AWS::Lambda::EventSourceMapping",
        Properties: {
          EventSourceArn: { "Fn::GetAtt": ["Table", "StreamArn"] },
          FunctionName: { "Fn::GetAtt": ["Hosts", "Arn"] },
          StartingPosition: "TRIM_HORIZON",
          MaximumBatchingWindowInSeconds: 5,
        },
      },
    },
    /MaximumBatchingWindowInSeconds/,
  ],
])("%s is refused by name", (_, resources, message) => {
  expect(() => read(resources)).toThrow(message);
});

test("roles, log groups, permissions, versions and the deployment bucket have no effect", () => {
  const ignored = [
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
  ];

  expect(
    read(Object.fromEntries(ignored.map((Type, index) => [`R${index}`, { Type }]))).functions,
  ).toEqual([]);
});
