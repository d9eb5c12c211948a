import type { DynamoDBBatchResponse, DynamoDBStreamEvent, EventBridgeEvent } from "aws-lambda";
import type { DomainEvent } from "../../lib/domain/events/event.ts";
import { later } from "../../lib/domain/instant.ts";
import { transact } from "../../lib/store/conditions.ts";
import { outbox, putEvent } from "../../lib/store/outbox.ts";
import type { Table } from "../../lib/store/table.ts";
import { AwsError } from "../../localstack/aws/errors.ts";
import type { Service } from "../../localstack/aws/server.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";

/** Step Functions and EventBridge as the engine's functions see them: what is there, what was asked. */
type Aws = {
  /** Status of each execution by its name; absent = never started. */
  readonly executions: Map<string, "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED">;
  /** Tokens that nobody waits with any more. */
  readonly deadTokens: Set<string>;
  /** Tokens that were answered, in order. */
  readonly woken: string[];
  /** Events that the bus took, in order. */
  readonly published: { DetailType: string; Detail: string; EventBusName: string }[];
  /** Detail types that the bus refuses. */
  readonly refusedTypes: Set<string>;
  /** Operations that fail, as if the service were down. */
  readonly broken: Set<string>;
};

export type Engine = {
  readonly aws: Aws;
  readonly table: Table;
  readonly drive: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;
  readonly publish: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;
  readonly tick: (now: string) => Promise<void>;
  /** What the table's stream has brought since the last call. */
  readonly stream: () => DynamoDBStreamEvent;
  /** Begins anew: nothing is broken, nothing has been asked, the stream has been read. */
  readonly forget: () => void;
  readonly close: () => void;
};

/** The engine's real functions over an embedded DynamoDB and services that only remember. */
export const startEngine = async (): Promise<Engine> => {
  const aws: Aws = {
    executions: new Map(),
    deadTokens: new Set(),
    woken: [],
    published: [],
    refusedTypes: new Set(),
    broken: new Set(),
  };
  const dynamodb = await startDynamoDb(
    {},
    { AWSStepFunctions: guarded(aws, stepFunctions(aws)), AWSEvents: guarded(aws, bus(aws)) },
  );
  const table = dynamodb.newTable();
  Object.assign(process.env, {
    TABLE_NAME: table.name,
    BUS_NAME: "bus",
    SESSION_MACHINE_ARN: machineArn("session"),
    HOST_MACHINE_ARN: machineArn("host"),
    LULL_CLOUD: "lab",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_AUTH_URL: "http://keystone.invalid",
    LULL_PUBLIC_URL: "https://lull.invalid",
    POWERTOOLS_LOG_LEVEL: "SILENT",
    AWS_MAX_ATTEMPTS: "1",
  });
  const [drive, publish, tick] = await Promise.all([
    import("../../functions/engine/drive.ts"),
    import("../../functions/engine/publish.ts"),
    import("../../functions/engine/tick.ts"),
  ]);
  const stream = streamOf(dynamodb, table);
  return {
    aws,
    table,
    drive: drive.handler,
    publish: publish.handler,
    tick: (now) => tick.handler({ time: now } as EventBridgeEvent<string, unknown>),
    stream,
    forget: () => {
      for (const set of [aws.broken, aws.deadTokens, aws.refusedTypes]) set.clear();
      for (const list of [aws.woken, aws.published]) list.length = 0;
      stream();
    },
    close: dynamodb.close,
  };
};

/** What a run asks for that sleeps for an hour, having looked at the world unwoken. */
export const parking = (token: string, wakeAt = later(NOW, 3_600)) => ({
  seen: 0,
  token,
  now: NOW,
  wakeAt,
});

export const anEvent = (but: Partial<DomainEvent> = {}): DomainEvent => ({
  schema: 1,
  type: "maintenance.host",
  entity: "session-1/cmp-01",
  sequence: 1,
  at: NOW,
  detail: { host: "cmp-01" },
  ...but,
});

/** Stores an event in a history of its own. */
export const storeEvent = ({ table }: Engine, event: DomainEvent) =>
  transact(table, [putEvent(table, `S#${crypto.randomUUID()}`, event)]);

/** Types of the events that wait for the janitor. */
export const typesUnpublished = async ({ table }: Engine): Promise<string[]> =>
  (await outbox(table).unpublished(later(NOW, 3_600), 100)).map(({ type }) => type);

const machineArn = (name: string) => `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;

const streamOf = ({ database }: DynamoDb, { name }: Table) => {
  let after = "0";
  return () => {
    const Records = database.readStream(name, after, 1_000);
    after = Records.at(-1)?.dynamodb?.SequenceNumber ?? after;
    return { Records };
  };
};

const guarded =
  ({ broken }: Aws, service: Service): Service =>
  (operation, input) => {
    if (broken.has(operation)) throw new AwsError("InternalServerError", "down", { status: 500 });
    return service(operation, input);
  };

type StepFunctionsInput = {
  readonly name: string;
  readonly executionArn: string;
  readonly taskToken: string;
};

const stepFunctions =
  ({ executions, deadTokens, woken }: Aws): Service =>
  (operation, input) => {
    const { name, executionArn, taskToken } = input as StepFunctionsInput;
    switch (operation) {
      case "StartExecution":
        if (executions.has(name)) throw new AwsError("ExecutionAlreadyExists", "exists");
        executions.set(name, "RUNNING");
        return { executionArn: name, startDate: 0 };
      case "DescribeExecution": {
        const status = executions.get(executionArn.split(":").at(-1) ?? "");
        if (status === undefined) throw new AwsError("ExecutionDoesNotExist", "no such execution");
        return { executionArn, stateMachineArn: machineArn("any"), startDate: 0, status };
      }
      case "SendTaskSuccess":
        if (deadTokens.has(taskToken)) throw new AwsError("TaskTimedOut", "too late");
        woken.push(taskToken);
        return {};
      default:
        throw new AwsError("UnknownOperationException", operation);
    }
  };

const bus =
  ({ published, refusedTypes }: Aws): Service =>
  (_, input) => {
    const { Entries } = input as { Entries: Aws["published"] };
    const answers = Entries.map((entry) => {
      if (refusedTypes.has(entry.DetailType)) return { ErrorCode: "InternalFailure" };
      published.push(entry);
      return { EventId: "1" };
    });
    const FailedEntryCount = answers.filter((answer) => "ErrorCode" in answer).length;
    return { FailedEntryCount, Entries: answers };
  };
