import * as z from "zod";

/**
 * The properties of each resource type that the embedded stack implements. A property that is not
 * listed is an error at start; `noEffect` marks those that are accepted because they change nothing
 * that a handler could observe here (packaging, permissions, logs, networks, billing).
 */
const noEffect = z.unknown().optional();
const onFailure = z.strictObject({ OnFailure: z.strictObject({ Destination: z.string() }) });

export const functionProperties = z.strictObject({
  FunctionName: z.string().optional(),
  Handler: z.string(),
  Timeout: z.number().int().min(1).max(900).default(3),
  MemorySize: z.number().int().default(128),
  ReservedConcurrentExecutions: z.number().int().min(0).optional(),
  Environment: z.strictObject({ Variables: z.record(z.string(), z.coerce.string()) }).optional(),
  DeadLetterConfig: z.strictObject({ TargetArn: z.string() }).optional(),
  Code: noEffect,
  Runtime: noEffect,
  Architectures: noEffect,
  Role: noEffect,
  Description: noEffect,
  Tags: noEffect,
  VpcConfig: noEffect,
  TracingConfig: noEffect,
  LoggingConfig: noEffect,
  EphemeralStorage: noEffect,
});

export const invokeConfigProperties = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.literal("$LATEST"),
  MaximumRetryAttempts: z.number().int().min(0).max(2).default(2),
  MaximumEventAgeInSeconds: z.number().int().min(60).max(21_600).default(21_600),
  DestinationConfig: onFailure.optional(),
});

export const mappingProperties = z.strictObject({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  StartingPosition: z.literal("TRIM_HORIZON"),
  BatchSize: z.number().int().min(1).max(10_000).default(100),
  BisectBatchOnFunctionError: z.boolean().default(false),
  MaximumRetryAttempts: z.number().int().min(-1).max(10_000).default(-1),
  FunctionResponseTypes: z.array(z.literal("ReportBatchItemFailures")).default([]),
  DestinationConfig: onFailure.optional(),
  FilterCriteria: z
    .strictObject({ Filters: z.array(z.strictObject({ Pattern: z.string() })) })
    .optional(),
  Enabled: z.boolean().default(true),
  MaximumBatchingWindowInSeconds: z.literal(0).optional(),
  ParallelizationFactor: z.literal(1).optional(),
});

export const machineProperties = z.strictObject({
  StateMachineName: z.string().regex(/^[\w-]{1,80}$/),
  StateMachineType: z.literal("STANDARD").optional(),
  DefinitionString: z.string().optional(),
  Definition: z.record(z.string(), z.unknown()).optional(),
  DefinitionSubstitutions: z.record(z.string(), z.coerce.string()).default({}),
  RoleArn: noEffect,
  LoggingConfiguration: noEffect,
  TracingConfiguration: noEffect,
  Tags: noEffect,
});

export const busProperties = z.strictObject({
  Name: z.string(),
  Description: noEffect,
  Tags: noEffect,
});

/** A rule hands its event to Lambda's own queue at once, so its retry policy and dead letters never come into play. */
const target = z.strictObject({
  Id: z.string(),
  Arn: z.string(),
  Input: z.string().optional(),
  RetryPolicy: noEffect,
  DeadLetterConfig: noEffect,
});

export const ruleProperties = z.strictObject({
  Name: z.string().optional(),
  EventBusName: z.string().default("default"),
  EventPattern: z.record(z.string(), z.unknown()).optional(),
  ScheduleExpression: z.string().optional(),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  Targets: z.array(target).min(1),
  Description: noEffect,
});

export const queueProperties = z.strictObject({
  QueueName: z.string().optional(),
  MessageRetentionPeriod: z.number().int().min(60).max(1_209_600).default(345_600),
  SqsManagedSseEnabled: noEffect,
  KmsMasterKeyId: noEffect,
  VisibilityTimeout: noEffect,
  Tags: noEffect,
});

export const secretProperties = z.strictObject({
  Name: z.string().optional(),
  GenerateSecretString: z.strictObject({
    PasswordLength: z.number().int().min(1).max(4_096).default(32),
    ExcludePunctuation: z.literal(true),
  }),
  Description: noEffect,
  Tags: noEffect,
});

export const apiProperties = z.strictObject({
  Name: z.string(),
  ProtocolType: z.literal("HTTP"),
  DisableExecuteApiEndpoint: z.literal(false).optional(),
  Description: noEffect,
  Tags: noEffect,
});

/** Route throttling is accepted without effect: the embedded API serves one site from one process. */
export const stageProperties = z.strictObject({
  ApiId: z.string(),
  StageName: z.literal("$default"),
  AutoDeploy: z.literal(true),
  DefaultRouteSettings: noEffect,
  AccessLogSettings: noEffect,
  Tags: noEffect,
});

export const integrationProperties = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal("AWS_PROXY"),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal("2.0"),
  TimeoutInMillis: z.number().int().min(50).max(30_000).default(30_000),
});

export const routeProperties = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string().regex(/^(\$default|[A-Z]+ \/\S*)$/),
  Target: z.string().startsWith("integrations/"),
  AuthorizationType: z.literal("NONE").optional(),
});

/** Resource types without any effect here: nothing that a handler does depends on them. */
export const TYPES_WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  "AWS::IAM::Role",
  "AWS::IAM::Policy",
  "AWS::IAM::ManagedPolicy",
  "AWS::Logs::LogGroup",
  "AWS::Lambda::Permission",
  "AWS::Lambda::Version",
  "AWS::S3::Bucket",
  "AWS::S3::BucketPolicy",
  "AWS::SQS::QueuePolicy",
  "AWS::CloudWatch::Alarm",
]);
