import * as z from "zod";
import { isRecord, resolve, type Scope, TemplateError } from "./template/intrinsics.ts";
import type {
  AsynchronousModel,
  FunctionModel,
  GeneratedSecretModel,
  MachineModel,
  MappingModel,
  QueueModel,
  RouteModel,
  RuleModel,
  StackModel,
  TableModel,
} from "./template/model.ts";
import * as properties from "./template/properties.ts";
import { type Resource, STACK_NAME, scopeOf, templateSchema } from "./template/scope.ts";

const TYPES = [
  "AWS::Lambda::Function",
  "AWS::Lambda::EventInvokeConfig",
  "AWS::Lambda::EventSourceMapping",
  "AWS::DynamoDB::Table",
  "AWS::StepFunctions::StateMachine",
  "AWS::Events::EventBus",
  "AWS::Events::Rule",
  "AWS::SQS::Queue",
  "AWS::SecretsManager::Secret",
  "AWS::ApiGatewayV2::Api",
  "AWS::ApiGatewayV2::Stage",
  "AWS::ApiGatewayV2::Integration",
  "AWS::ApiGatewayV2::Route",
] as const;
type Type = (typeof TYPES)[number];

const RATE = /^rate\((\d+) (minute|hour|day)s?\)$/;
const RATE_UNITS_MS: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

const rateMs = (rule: string, expression: string): number => {
  const [, amount, unit = ""] = RATE.exec(expression) ?? [];
  const unitMs = RATE_UNITS_MS[unit];
  if (amount === undefined || unitMs === undefined)
    throw new TemplateError(`rule ${rule}: only rate(n minutes|hours|days), not ${expression}`);
  return Number(amount) * unitMs;
};

/** Puts the `${Name}` substitutions into a definition, as CloudFormation does: textually. */
const substituted = (id: string, definition: string, values: Readonly<Record<string, string>>) => {
  const text = definition.replace(/\$\{([\w-]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new TemplateError(`${id}: no substitution for \${${name}}`);
    return JSON.stringify(value).slice(1, -1);
  });
  return z.json().parse(JSON.parse(text));
};

/**
 * Reads a compiled CloudFormation template.
 *
 * @param input parsed JSON of the template that the packaging writes
 * @returns every resource that has an effect here, references resolved
 * @throws TemplateError that names the resource, for any type, property or function not implemented
 */
export const readTemplate = (input: unknown, region = "us-east-1"): StackModel => {
  const template = templateSchema.parse(input);
  const scope = scopeOf(template, region);
  const present = Object.entries(template.Resources).filter(
    ([, resource]) => resource.Condition === undefined || scope.condition(resource.Condition),
  );
  for (const [id, { Type }] of present) refuseUnknownType(id, Type);

  const each = <S extends z.ZodType, M>(
    type: Type,
    schema: S,
    read: (id: string, found: z.infer<S>) => M,
  ): M[] =>
    present
      .filter(([, resource]) => resource.Type === type)
      .map(([id, resource]) => read(id, parsed(id, resource, schema, scope)));

  const queues = each(
    "AWS::SQS::Queue",
    properties.queueProperties,
    (id, found): QueueModel => ({
      name: found.QueueName ?? `${STACK_NAME}-${id}`,
      retentionMs: found.MessageRetentionPeriod * 1_000,
    }),
  );
  const queueOf = (id: string, arn: string): string => {
    const name = arn.split(":").at(-1);
    if (!arn.startsWith("arn:aws:sqs:") || !queues.some((queue) => queue.name === name) || !name)
      throw new TemplateError(`${id}: ${arn} is no queue of this template`);
    return name;
  };

  const asynchronous = new Map(
    each("AWS::Lambda::EventInvokeConfig", properties.invokeConfigProperties, (id, found) => [
      found.FunctionName.split(":").at(-1),
      {
        maximumRetryAttempts: found.MaximumRetryAttempts,
        maximumEventAgeMs: found.MaximumEventAgeInSeconds * 1_000,
        ...(found.DestinationConfig && {
          onFailure: queueOf(id, found.DestinationConfig.OnFailure.Destination),
        }),
      },
    ]),
  );

  const functions = each(
    "AWS::Lambda::Function",
    properties.functionProperties,
    (id, found): FunctionModel => {
      const name = found.FunctionName ?? `${STACK_NAME}-${id}`;
      return {
        logicalId: id,
        name,
        arn: String(scope.getAtt(id, "Arn")),
        handler: found.Handler,
        timeoutMs: found.Timeout * 1_000,
        memoryMb: found.MemorySize,
        environment: found.Environment?.Variables ?? {},
        ...(found.ReservedConcurrentExecutions !== undefined && {
          reservedConcurrency: found.ReservedConcurrentExecutions,
        }),
        asynchronous: {
          ...ASYNCHRONOUS_DEFAULTS,
          ...asynchronous.get(name),
          ...(found.DeadLetterConfig && {
            deadLetters: queueOf(id, found.DeadLetterConfig.TargetArn),
          }),
        },
      };
    },
  );
  const functionArn = (id: string, reference: string): string => {
    const found = functions.find(({ arn, name }) => arn === reference || name === reference);
    if (!found) throw new TemplateError(`${id}: ${reference} is no function of this template`);
    return found.arn;
  };

  const tables = each(
    "AWS::DynamoDB::Table",
    z.record(z.string(), z.unknown()),
    (id, found): TableModel => {
      const name = String(scope.ref(id));
      return { name, definition: { ...found, TableName: name } };
    },
  );

  const mappings = each(
    "AWS::Lambda::EventSourceMapping",
    properties.mappingProperties,
    (id, found): MappingModel | undefined => {
      const table = tables.find(({ name }) =>
        found.EventSourceArn.includes(`:table/${name}/stream/`),
      );
      if (!table)
        throw new TemplateError(`${id}: ${found.EventSourceArn} is no stream of this template`);
      if (!found.Enabled) return undefined;
      return {
        id,
        table: table.name,
        streamArn: found.EventSourceArn,
        functionArn: functionArn(id, found.FunctionName),
        batchSize: found.BatchSize,
        bisect: found.BisectBatchOnFunctionError,
        reportsItemFailures: found.FunctionResponseTypes.length > 0,
        maximumRetryAttempts: found.MaximumRetryAttempts,
        filters: (found.FilterCriteria?.Filters ?? []).map(({ Pattern }) =>
          z.json().parse(JSON.parse(Pattern)),
        ),
        ...(found.DestinationConfig && {
          onFailure: queueOf(id, found.DestinationConfig.OnFailure.Destination),
        }),
      };
    },
  ).filter((mapping) => mapping !== undefined);

  const machines = each(
    "AWS::StepFunctions::StateMachine",
    properties.machineProperties,
    (id, found): MachineModel => {
      const definition = found.DefinitionString ?? JSON.stringify(found.Definition);
      if (definition === undefined) throw new TemplateError(`${id} has no definition`);
      return {
        name: found.StateMachineName,
        arn: String(scope.ref(id)),
        definition: substituted(id, definition, found.DefinitionSubstitutions),
      };
    },
  );

  const buses = each("AWS::Events::EventBus", properties.busProperties, (_, found) => found.Name);
  const rules = each(
    "AWS::Events::Rule",
    properties.ruleProperties,
    (id, found): RuleModel | undefined => {
      const bus = found.EventBusName.split("/").at(-1) ?? found.EventBusName;
      if (bus !== "default" && !buses.includes(bus))
        throw new TemplateError(`${id}: ${bus} is no event bus of this template`);
      const rule = {
        name: found.Name ?? id,
        arn: String(scope.getAtt(id, "Arn")),
        bus,
        targets: found.Targets.map(({ Arn, Input }) => ({
          functionArn: functionArn(id, Arn),
          ...(Input !== undefined && { input: Input }),
        })),
        ...(found.EventPattern && { pattern: found.EventPattern }),
        ...(found.ScheduleExpression && { everyMs: rateMs(id, found.ScheduleExpression) }),
      };
      return found.State === "ENABLED" ? rule : undefined;
    },
  ).filter((rule) => rule !== undefined);

  const apis = each("AWS::ApiGatewayV2::Api", properties.apiProperties, (id) => id);
  if (apis.length > 1) throw new TemplateError(`one HTTP API, not ${apis.join(" and ")}`);
  each("AWS::ApiGatewayV2::Stage", properties.stageProperties, () => undefined);
  const integrations = new Map(
    each("AWS::ApiGatewayV2::Integration", properties.integrationProperties, (id, found) => [
      id,
      { functionArn: functionArn(id, found.IntegrationUri), timeoutMs: found.TimeoutInMillis },
    ]),
  );
  const routes = each(
    "AWS::ApiGatewayV2::Route",
    properties.routeProperties,
    (id, found): RouteModel => {
      const integration = integrations.get(found.Target.slice("integrations/".length));
      if (!integration) throw new TemplateError(`${id}: no integration ${found.Target}`);
      return { key: found.RouteKey, ...integration };
    },
  );

  const generatedSecrets = each(
    "AWS::SecretsManager::Secret",
    properties.secretProperties,
    (id, found): GeneratedSecretModel => ({
      name: String(scope.getAtt(id, "Name")),
      length: found.GenerateSecretString.PasswordLength,
    }),
  );

  return { functions, tables, mappings, machines, buses, rules, queues, routes, generatedSecrets };
};

/** Lambda's defaults for asynchronous invocation (Lambda developer guide, "Error handling"). */
const ASYNCHRONOUS_DEFAULTS: AsynchronousModel = {
  maximumRetryAttempts: 2,
  maximumEventAgeMs: 21_600_000,
};

const refuseUnknownType = (id: string, type: string) => {
  const known: readonly string[] = TYPES;
  if (!known.includes(type) && !properties.TYPES_WITHOUT_EFFECT.has(type))
    throw new TemplateError(`the embedded stack does not implement ${type} (${id})`);
};

const parsed = <S extends z.ZodType>(
  id: string,
  resource: Resource,
  schema: S,
  scope: Scope,
): z.infer<S> => {
  let given: unknown;
  try {
    given = resolve(scope, resource.Properties);
  } catch (error) {
    throw new TemplateError(`${id}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  const result = schema.safeParse(isRecord(given) ? given : {});
  if (result.success) return result.data;
  throw new TemplateError(
    `the embedded stack does not implement ${id} (${resource.Type}) as given:\n${z.prettifyError(result.error)}`,
  );
};
