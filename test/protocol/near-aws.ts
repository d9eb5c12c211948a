import { AsyncLocalStorage } from "node:async_hooks";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import {
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  TaskTimedOut,
} from "@aws-sdk/client-sfn";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { DynamoDBRecord } from "aws-lambda";
import { openTable } from "../../lib/store/table.ts";
import { EVERYTHING, type Step } from "./interleave.ts";
import { openNearTable } from "./table.ts";

/** An execution as Step Functions knows it. */
export type Execution = {
  status: "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED";
  /** With which it waits, or will as soon as its Lambda has returned. */
  token: string | null;
};

/** What the services tell of themselves. */
type Services = {
  readonly executions: Map<string, Execution>;
  /** A new execution has to take its first step, or a waiting one its next. */
  goesOn: (name: string) => void;
};

const actor = new AsyncLocalStorage<Step>();

/** Plays code whose calls of AWS are its steps. */
export const callingAws =
  (act: () => Promise<unknown>) =>
  (step: Step): Promise<unknown> =>
    actor.run(step, act);

type Command = {
  readonly input: Readonly<Record<string, unknown>>;
  readonly constructor: { readonly name: string };
};

/** Rows by their keys; the rows of a query by what their sort keys begin with. */
const touchedBy = (input: unknown): string[] => {
  if (typeof input !== "object" || input === null) return [];
  if (Array.isArray(input)) return input.flatMap(touchedBy);
  const { PK, SK, ...rest } = input as Readonly<Record<string, unknown>>;
  if (PK !== undefined) return [`${PK} ${String(SK).startsWith("HOST#") ? "HOST#" : SK}`];
  // A query of an index is one of the janitor's, which reads all runs.
  if ("IndexName" in rest) return [EVERYTHING];
  const { ":pk": partition, ":prefix": prefix } = rest;
  if (partition !== undefined) return [`${partition} ${prefix}`];
  if ("taskToken" in rest || "name" in rest || "executionArn" in rest) return ["executions"];
  return Object.values(rest).flatMap(touchedBy);
};

/** Makes a client's calls a matter of this process: each is a step of the actor who makes it. */
const reroute = (client: { prototype: object }, answer: (command: Command) => Promise<unknown>) => {
  const send = (command: Command) => {
    const step = actor.getStore();
    return step ? step(() => answer(command), touchedBy(command.input)) : answer(command);
  };
  Object.assign(client.prototype, { send });
};

const stepFunctions =
  (services: Services) =>
  async ({ input, constructor: { name: operation } }: Command): Promise<unknown> => {
    const { executions } = services;
    const options = { message: operation, $metadata: {} };
    const name =
      String(input["name"] ?? input["executionArn"])
        .split(":")
        .at(-1) ?? "";
    switch (operation) {
      case "StartExecutionCommand":
        if (executions.has(name)) throw new ExecutionAlreadyExists(options);
        executions.set(name, { status: "RUNNING", token: null });
        services.goesOn(name);
        return {};
      case "DescribeExecutionCommand": {
        const found = executions.get(name);
        if (!found) throw new ExecutionDoesNotExist(options);
        return { status: found.status };
      }
      case "SendTaskSuccessCommand": {
        const waiting = [...executions].find(([, { token }]) => token === input["taskToken"]);
        if (waiting?.[1].status !== "RUNNING") throw new TaskTimedOut(options);
        waiting[1].token = null;
        services.goesOn(waiting[0]);
        return {};
      }
      default:
        throw new Error(`nobody answers ${operation}`);
    }
  };

const machineArn = (name: string) => `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;

/**
 * The engine's real functions, with AWS in this process: the embedded DynamoDB, and a Step
 * Functions that only remembers. The SDK's clients are the border.
 */
export const openNearEngine = async () => {
  const { table: near, database } = openNearTable();
  const services: Services = { executions: new Map(), goesOn: () => undefined };
  reroute(DynamoDBDocumentClient, (command) => near.client.send(command as never));
  reroute(SFNClient, stepFunctions(services));
  reroute(EventBridgeClient, async ({ input }) => ({
    FailedEntryCount: 0,
    Entries: (input["Entries"] as unknown[]).map(() => ({ EventId: "1" })),
  }));
  Object.assign(process.env, {
    TABLE_NAME: near.name,
    BUS_NAME: "bus",
    SESSION_MACHINE_ARN: machineArn("session"),
    HOST_MACHINE_ARN: machineArn("host"),
    LULL_CLOUD: "lab",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_AUTH_URL: "http://keystone.invalid",
    LULL_PUBLIC_URL: "https://lull.invalid",
    POWERTOOLS_LOG_LEVEL: "SILENT",
    AWS_REGION: "us-east-1",
  });
  const [drive, tick, awaitChange] = await Promise.all([
    import("../../functions/engine/drive.ts"),
    import("../../functions/engine/tick.ts"),
    import("../../functions/session/await-change.ts"),
  ]);
  let read = "0";
  return {
    /** Reached as the functions reach it: what an actor asks of it is a step. */
    table: openTable(near.name),
    services,
    /** What the table's stream has brought since the last call. */
    records: (): DynamoDBRecord[] => {
      const records = database.readStream(near.name, read, 1_000);
      read = records.at(-1)?.dynamodb?.SequenceNumber ?? read;
      return records;
    },
    drive: drive.handler,
    tick: (time: string) => tick.handler({ time } as Parameters<typeof tick.handler>[0]),
    awaitChange: awaitChange.handler,
  };
};
