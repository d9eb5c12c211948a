import { deflateRawSync } from "node:zlib";
import * as z from "zod";
import {
  isRecord,
  resolve,
  type Scope,
  TemplateError,
} from "../../localstack/aws/template/intrinsics.ts";
import { scopeOf, templateSchema } from "../../localstack/aws/template/scope.ts";
import { compiled } from "../../localstack/compiled.ts";
import { withBundles } from "./bundles.ts";
import type { Table } from "./figure.ts";

const GUIDES = "docs.aws.amazon.com";
const CLOUDFORMATION = `${GUIDES}/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html`;
const LAMBDA = `${GUIDES}/lambda/latest/dg/gettingstarted-limits.html`;
const LAMBDA_NAMES = `${GUIDES}/lambda/latest/api/API_CreateFunction.html`;
const CONCURRENCY = `${GUIDES}/lambda/latest/dg/configuration-concurrency.html`;
const HTTP_API = `${GUIDES}/apigateway/latest/developerguide/http-api-quotas.html`;
const IAM = `${GUIDES}/IAM/latest/UserGuide/reference_iam-quotas.html`;
const STATES = `${GUIDES}/step-functions/latest/dg/service-quotas.html`;
const EVENTS = `${GUIDES}/eventbridge/latest/userguide/eb-quota.html`;
const EVENTS_NAMES = `${GUIDES}/eventbridge/latest/APIReference/API_PutRule.html`;

const MB = 1_000_000;
/** Bytes that a zip archive needs for its one entry besides name and content. */
const ZIP_FRAME = 30 + 46 + 22;

type Resource = { readonly id: string; readonly type: string; readonly properties: unknown };

/** What CloudFormation would make of it; what nobody can resolve here stays as its JSON says it. */
const resolved = (scope: Scope, value: unknown): unknown => {
  try {
    return resolve(scope, value);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    if (Array.isArray(value)) return value.map((item) => resolved(scope, item));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, resolved(scope, item)]),
    );
  }
};

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
const most = (values: readonly number[]) => Math.max(0, ...values);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The size of the largest group. */
const mostOf = <T>(items: readonly T[], group: (item: T) => string) =>
  most(Object.values(Object.groupBy(items, group)).map((members) => members?.length ?? 0));

const variablesSchema = z.looseObject({ Variables: z.record(z.string(), z.unknown()) });
const environmentBytes = ({ properties }: Resource): number => {
  const environment = isRecord(properties) ? properties["Environment"] : undefined;
  const found = variablesSchema.safeParse(environment);
  if (!found.success) return 0;
  return sum(
    Object.entries(found.data.Variables).map(([name, value]) =>
      Buffer.byteLength(name + textOf(value)),
    ),
  );
};

const inlineSchema = z.looseObject({
  Policies: z.array(z.looseObject({ PolicyDocument: z.unknown() })).default([]),
});
const policySchema = z.looseObject({ Roles: z.array(z.unknown()), PolicyDocument: z.unknown() });

/** IAM does not count white space. */
const policyCharacters = (document: unknown) => JSON.stringify(document).replace(/\s/g, "").length;

/** Characters of all inline policies of a role: its own, and those that are attached to it. */
const inlineCharacters = (role: Resource, policies: readonly Resource[], name: unknown): number => {
  const own = inlineSchema.parse(role.properties).Policies;
  const attached = policies
    .map(({ properties }) => policySchema.parse(properties))
    .filter(({ Roles }) => Roles.includes(name));
  return sum([...own, ...attached].map(({ PolicyDocument }) => policyCharacters(PolicyDocument)));
};

const machineSchema = z.looseObject({
  Definition: z.unknown().optional(),
  DefinitionString: z.unknown().optional(),
  DefinitionSubstitutions: z.record(z.string(), z.unknown()).default({}),
});
const definitionBytes = ({ properties }: Resource): number => {
  const { Definition, DefinitionString, DefinitionSubstitutions } = machineSchema.parse(properties);
  const text = textOf(DefinitionString ?? Definition);
  return Buffer.byteLength(
    text.replace(/\$\{(\w+)\}/g, (whole, name: string) =>
      textOf(DefinitionSubstitutions[name] ?? whole),
    ),
  );
};

/**
 * What the compiled template asks of AWS, against the documented limits, with what is left in per cent.
 * Settings are at their defaults; a quota that is shared by the account counts what is Lull's.
 */
export const templateLimits = async (): Promise<Table> => {
  const { template: input } = await compiled();
  const template = templateSchema.parse(input);
  const scope = scopeOf(template, "us-east-1");
  const resources = Object.entries(template.Resources).map(
    ([id, { Type, Properties }]): Resource => ({
      id,
      type: Type,
      properties: resolved(scope, Properties),
    }),
  );
  const all = (type: string) => resources.filter((resource) => resource.type === type);
  const property = ({ properties }: Resource, name: string) =>
    isRecord(properties) ? properties[name] : undefined;
  /** Names that CloudFormation makes up fit by themselves. */
  const longest = (type: string, name: string) =>
    most(all(type).map((resource) => String(property(resource, name) ?? "").length));
  const apiOf = (resource: Resource) => textOf(property(resource, "ApiId"));
  const busOf = (rule: Resource) => textOf(property(rule, "EventBusName") ?? "default");
  const outputs = isRecord(input) && isRecord(input["Outputs"]) ? input["Outputs"] : {};
  const functions = all("AWS::Lambda::Function");
  const roles = all("AWS::IAM::Role");
  const zips = await withBundles((bundles) =>
    bundles.map(({ entry, bytes }) => deflateRawSync(bytes).length + 2 * entry.length + ZIP_FRAME),
  );

  const row = (what: string, value: number, limit: number, source: string) => [
    what,
    value.toLocaleString("en"),
    limit.toLocaleString("en"),
    `${((1 - value / limit) * 100).toFixed(1)} %`,
    source,
  ];
  return [
    ["what", "here", "limit", "left", "documented at"],
    row("resources", resources.length, 500, CLOUDFORMATION),
    row("outputs", Object.keys(outputs).length, 200, CLOUDFORMATION),
    row("parameters", Object.keys(template.Parameters).length, 200, CLOUDFORMATION),
    row(
      "template body, indented, via S3, bytes",
      Buffer.byteLength(JSON.stringify(input, null, 2)),
      MB,
      CLOUDFORMATION,
    ),
    row("largest environment, bytes", most(functions.map(environmentBytes)), 4_096, LAMBDA),
    row("largest zip, bytes", most(zips), 50 * MB, LAMBDA),
    row("code storage of all functions, bytes", sum(zips), 75_000 * MB, LAMBDA),
    row(
      "reserved concurrency, of 1,000 less 100",
      sum(functions.map((fn) => Number(property(fn, "ReservedConcurrentExecutions") ?? 0))),
      900,
      CONCURRENCY,
    ),
    row("routes of the API", mostOf(all("AWS::ApiGatewayV2::Route"), apiOf), 300, HTTP_API),
    row(
      "integrations of the API",
      mostOf(all("AWS::ApiGatewayV2::Integration"), apiOf),
      300,
      HTTP_API,
    ),
    row(
      "inline policies of the largest role, characters",
      most(
        roles.map((role) => inlineCharacters(role, all("AWS::IAM::Policy"), scope.ref(role.id))),
      ),
      10_240,
      IAM,
    ),
    row(
      "largest definition of a machine, bytes",
      most(all("AWS::StepFunctions::StateMachine").map(definitionBytes)),
      MB,
      STATES,
    ),
    row("rules of one event bus", mostOf(all("AWS::Events::Rule"), busOf), 300, EVENTS),
    row(
      "longest name of a function",
      longest("AWS::Lambda::Function", "FunctionName"),
      64,
      LAMBDA_NAMES,
    ),
    row("longest name of a role", longest("AWS::IAM::Role", "RoleName"), 64, IAM),
    row(
      "longest name of a machine",
      longest("AWS::StepFunctions::StateMachine", "StateMachineName"),
      80,
      STATES,
    ),
    row("longest name of a rule", longest("AWS::Events::Rule", "Name"), 64, EVENTS_NAMES),
  ];
};
