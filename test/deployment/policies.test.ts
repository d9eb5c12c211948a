import { expect, test } from "vitest";
import { deployed, type Found } from "./template.ts";

type Statement = {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: unknown;
};

const NAME = "lull-dev";
const arn = (service: string, path: string) => `arn:aws:${service}:us-east-1:000000000000:${path}`;

const TABLE = arn("dynamodb", `table/${NAME}`);
const STREAM = `${TABLE}/stream/2020-01-01T00:00:00.000`;
const SECRET = arn("secretsmanager", "secret:lull/cloud-??????");
const WEBHOOK_KEY = arn("secretsmanager", "secret:local-WebhookKey-000000");
const DEAD_LETTERS = arn("sqs", `${NAME}-dead-letters`);
const BUS = arn("events", `event-bus/${NAME}`);
const machine = (name: string) => arn("states", `stateMachine:${NAME}-${name}`);
const executions = (name: string) => arn("states", `execution:${NAME}-${name}:*`);
const logs = (prefix: string) =>
  arn("logs", `log-group:/aws/lambda/${NAME}-${prefix}*:log-stream:*`);

/** "action resource" of everything allowed. */
const each = (actions: readonly string[], resources: readonly string[]): string[] =>
  actions.flatMap((action) => resources.map((resource) => `${action} ${resource}`));

const writeLogs = (prefix: string) =>
  each(["logs:CreateLogStream", "logs:PutLogEvents"], [logs(prefix)]);
const useTable = [
  ...each(
    [
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:Query",
      "dynamodb:BatchGetItem",
    ],
    [TABLE],
  ),
  ...each(["dynamodb:Query"], [`${TABLE}/index/by_scope`, `${TABLE}/index/due`]),
];
const readCredential = each(["secretsmanager:GetSecretValue"], [SECRET]);
const readWebhookKey = each(["secretsmanager:GetSecretValue"], [WEBHOOK_KEY]);
const wake = each(["states:SendTaskSuccess"], ["*"]);
const giveUp = each(["sqs:SendMessage"], [DEAD_LETTERS]);

const invoke = (functions: readonly string[]) =>
  each(
    ["lambda:InvokeFunction"],
    functions.map((name) => arn("lambda", `function:${NAME}-${name}`)),
  );

/** All that each role may do. Nothing else is allowed anywhere in the template. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  ApiRole: [...writeLogs("api"), ...useTable],
  ApiSubscriptionsRole: [...writeLogs("apiSubscriptions"), ...useTable, ...readWebhookKey],
  SessionRole: [...writeLogs("session"), ...useTable, ...readCredential, ...wake],
  HostRole: [...writeLogs("host"), ...useTable, ...readCredential, ...wake],
  EngineRole: [
    ...writeLogs("engine"),
    ...useTable,
    ...wake,
    ...giveUp,
    ...each(
      [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
      ],
      [STREAM],
    ),
    ...each(["states:StartExecution"], [machine("session"), machine("host")]),
    ...each(["states:DescribeExecution"], [executions("session"), executions("host")]),
    ...each(["events:PutEvents"], [BUS]),
  ],
  SyncRole: [...writeLogs("engineSync"), ...useTable, ...readCredential, ...giveUp],
  PlanRole: [
    ...writeLogs("enginePlan"),
    ...each(
      ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchGetItem"],
      [TABLE],
    ),
    ...each(["dynamodb:Query"], [`${TABLE}/index/by_scope`]),
    ...readCredential,
    ...giveUp,
  ],
  SinkRole: [
    ...writeLogs("sinkNotify"),
    ...useTable,
    ...readCredential,
    ...readWebhookKey,
    ...giveUp,
  ],
  AmqpRole: [
    ...writeLogs("sinkPublishAmqp"),
    ...each(["secretsmanager:GetSecretValue"], [arn("secretsmanager", "secret:-??????")]),
    ...giveUp,
  ],
  SessionMachineRole: invoke([
    "sessionPlan",
    "sessionPreflight",
    "sessionAskProjects",
    "sessionClaimHosts",
    "sessionDispatchHosts",
    "sessionCloseSession",
    "sessionAwaitChange",
    "sessionNoteTrouble",
    "sessionOrderHosts",
  ]),
  HostMachineRole: invoke([
    "hostResume",
    "hostDisableHost",
    "hostAwaitTurn",
    "hostAskOwners",
    "hostMoveInstances",
    "hostVerifyEmpty",
    "hostSilenceHost",
    "hostEnterMaintenance",
    "hostRunAction",
    "hostVerifyHost",
    "hostRetireHost",
    "hostRestoreMonitoring",
    "hostStartInstances",
    "hostEnableHost",
    "hostCompleteHost",
    "hostAwaitChange",
    "hostNoteTrouble",
  ]),
};

const INTERFACES = each(
  [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ],
  ["*"],
);

/** Where a name cannot be given in full, and why: nothing else may hold a wildcard. */
const WILDCARDS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^logs:\w+ .*:log-stream:\*$/, "Lambda names log streams itself"],
  [/^secretsmanager:GetSecretValue .*-\?{6}$/, "Secrets Manager ends the name with six characters"],
  [/^states:DescribeExecution .*:execution:[\w-]+:\*$/, "executions are named after their runs"],
  [/^states:SendTaskSuccess \*$/, "AWS lists no resource for it; the token says which task"],
  [/^ec2:\w+ \*$/, "Lambda makes the interfaces of functions in a VPC under their role"],
];

const listOf = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? one : [one as T]);

const statementsOf = ({ properties }: Found): Statement[] =>
  properties["Policies"].flatMap(
    ({ PolicyDocument }: { PolicyDocument: { Statement: Statement[] } }) =>
      PolicyDocument.Statement,
  );

const allowedBy = (role: Found): string[] =>
  statementsOf(role)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action, Resource }) => each(listOf(Action), listOf(Resource)));

const plain = await deployed();
const roles = plain.all("AWS::IAM::Role");
const inVpc = await deployed({
  LULL_NETWORK: "vpc",
  LULL_SUBNET_IDS: "subnet-0a1b2c3d",
  LULL_SECURITY_GROUP_IDS: "sg-0a1b2c3d",
});

test("there is a role for each credential boundary, and no other", () => {
  expect(roles.map(({ id }) => id)).toEqual(Object.keys(ALLOWED));
  for (const type of ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"])
    expect(plain.all(type)).toEqual([]);
  for (const { properties } of roles) expect(properties["ManagedPolicyArns"]).toBeUndefined();
});

test.each(roles.map((role) => [role.id, role] as const))(
  "%s may do what its work takes, and nothing else",
  (id, role) => {
    expect(allowedBy(role).toSorted()).toEqual(ALLOWED[id]?.toSorted());
  },
);

test("nothing is allowed by wildcard unless AWS leaves no choice", () => {
  const allowed = inVpc.all("AWS::IAM::Role").flatMap(allowedBy);
  const wild = allowed.filter((one) => /[*?]/.test(one));
  expect(wild.filter((one) => !WILDCARDS.some(([pattern]) => pattern.test(one)))).toEqual([]);
  for (const [pattern, why] of WILDCARDS)
    expect(wild.filter((one) => pattern.test(one)).length, why).toBeGreaterThan(0);
});

test("in a VPC, Lambda may connect the functions, and the functions themselves may not", () => {
  for (const role of inVpc.all("AWS::IAM::Role")) {
    const isMachine = role.id.endsWith("MachineRole");
    const expected = [...(ALLOWED[role.id] ?? []), ...(isMachine ? [] : INTERFACES)];
    expect(allowedBy(role).toSorted(), role.id).toEqual(expected.toSorted());
    const denied = statementsOf(role).filter(({ Effect }) => Effect === "Deny");
    if (isMachine) continue;
    expect(denied, role.id).toHaveLength(1);
    expect(denied[0]).toMatchObject({
      Action: INTERFACES.map((one) => one.split(" ")[0]),
      Condition: {
        ArnLike: { "lambda:SourceFunctionArn": arn("lambda", `function:${NAME}-*`) },
      },
    });
  }
});

test("only the service that needs it may take on a role", () => {
  for (const { id, properties } of roles) {
    const service = id.endsWith("MachineRole") ? "states.amazonaws.com" : "lambda.amazonaws.com";
    expect(properties["AssumeRolePolicyDocument"].Statement, id).toEqual([
      { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" },
    ]);
  }
});

test("each function runs under the role of its boundary", () => {
  const boundaryOf = (handler: string): string => {
    const [, folder = "", file = ""] = /functions\/(\w+)\/([\w-]+)\.handler$/.exec(handler) ?? [];
    if (folder === "engine" && file === "sync") return "SyncRole";
    if (folder === "engine" && file === "plan") return "PlanRole";
    if (file === "publish-amqp") return "AmqpRole";
    if (folder === "api" && file === "subscriptions") return "ApiSubscriptionsRole";
    if (folder === "sinks") return "SinkRole";
    return `${folder.charAt(0).toUpperCase()}${folder.slice(1)}Role`;
  };
  for (const { id, properties } of plain.all("AWS::Lambda::Function"))
    expect(properties["Role"], id).toBe(
      `arn:aws:iam::000000000000:role/local-${boundaryOf(properties["Handler"])}`,
    );
});

test("a machine may invoke just the functions that its definition names", () => {
  for (const name of ["Session", "Host"]) {
    const { properties } = plain.one(`${name}Machine`);
    const named = Object.values<string>(properties["DefinitionSubstitutions"]);
    expect(named.map((target) => `lambda:InvokeFunction ${target}`).toSorted()).toEqual(
      ALLOWED[`${name}MachineRole`]?.toSorted(),
    );
  }
});

test("the dead-letter queue takes messages of our own rules, and of roles that may send", () => {
  const [policy] = plain.all("AWS::SQS::QueuePolicy");
  const rules = plain
    .all("AWS::Events::Rule")
    .filter(({ properties }) => properties["EventBusName"] === NAME)
    .map(({ properties }) => arn("events", `rule/${NAME}/${properties["Name"]}`));
  expect(policy?.properties["PolicyDocument"].Statement).toEqual([
    {
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: DEAD_LETTERS,
      Condition: { ArnEquals: { "aws:SourceArn": rules } },
    },
  ]);
  expect(rules).toHaveLength(4);
});
