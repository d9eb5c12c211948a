import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SFNClient,
} from "@aws-sdk/client-sfn";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Table } from "../../lib/store/table.ts";
import { type MiniStack, REGION } from "./ministack.ts";

/** The whole account as its owner sees it: what a deployment made there, and all that it wrote down. */
export const openAccount = ({ endpoint, credentials }: MiniStack) => {
  const client = { endpoint, credentials, region: REGION };
  const cloudFormation = new CloudFormationClient(client);
  const dynamodb = new DynamoDBClient(client);
  const events = new EventBridgeClient(client);
  const lambda = new LambdaClient(client);
  const logs = new CloudWatchLogsClient(client);
  const machines = new SFNClient(client);
  const queues = new SQSClient(client);

  const stateMachines = async () =>
    (await machines.send(new ListStateMachinesCommand({}))).stateMachines ?? [];

  const executionsOf = async (stateMachineArn: string | undefined) => {
    const found = [];
    let nextToken: string | undefined;
    do {
      const page = await machines.send(new ListExecutionsCommand({ stateMachineArn, nextToken }));
      found.push(...(page.executions ?? []));
      nextToken = page.nextToken;
    } while (nextToken);
    return found;
  };

  const historyOf = async (executionArn: string | undefined) => {
    const found = [];
    let nextToken: string | undefined;
    do {
      const page = await machines.send(
        new GetExecutionHistoryCommand({ executionArn, nextToken, maxResults: 1000 }),
      );
      found.push(...(page.events ?? []));
      nextToken = page.nextToken;
    } while (nextToken);
    return found;
  };

  const logGroups = async () =>
    ((await logs.send(new DescribeLogGroupsCommand({}))).logGroups ?? []).map(
      ({ logGroupName = "" }) => logGroupName,
    );

  const drained = async (QueueUrl: string): Promise<string[]> => {
    const bodies: string[] = [];
    for (;;) {
      const { Messages = [] } = await queues.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return bodies;
      bodies.push(...Messages.map(({ Body = "" }) => Body));
    }
  };

  return {
    /** A table, as the stores open it. */
    table: (name: string): Table => ({ client: DynamoDBDocumentClient.from(dynamodb), name }),

    createSecret: async (Name: string, SecretString: string) => {
      const secrets = new SecretsManagerClient(client);
      await secrets.send(new CreateSecretCommand({ Name, SecretString }));
    },

    /** Status and outputs of a stack; null when there is none. */
    stack: async (StackName: string) => {
      try {
        const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
        const stack = Stacks?.[0];
        return {
          status: stack?.StackStatus ?? "",
          outputs: Object.fromEntries(
            (stack?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [
              OutputKey,
              OutputValue,
            ]),
          ),
        };
      } catch {
        return null;
      }
    },

    /** Names of everything that a deployment makes and that costs money or keeps data. */
    leftovers: async (): Promise<string[]> => [
      ...((await lambda.send(new ListFunctionsCommand({}))).Functions ?? []).map(
        ({ FunctionName = "" }) => FunctionName,
      ),
      ...(await stateMachines()).map(({ name = "" }) => name),
      ...((await dynamodb.send(new ListTablesCommand({}))).TableNames ?? []),
      ...(await logGroups()),
    ],

    /** Each execution of a machine: its name, its status, and the states that it has entered. */
    executions: async (machine: string) => {
      const arn = (await stateMachines()).find(({ name }) => name === machine)?.stateMachineArn;
      return Promise.all(
        (await executionsOf(arn)).map(async ({ executionArn, name = "", status }) => ({
          name,
          status,
          entered: (await historyOf(executionArn)).flatMap(
            ({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [],
          ),
        })),
      );
    },

    /** Has all events of the bus kept, to be read by `writings`. */
    listenTo: async (EventBusName: string) => {
      const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: "all-events" }));
      const { Attributes } = await queues.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
      );
      const Rule = "all-events";
      const EventPattern = JSON.stringify({ source: [{ prefix: "" }] });
      await events.send(new PutRuleCommand({ Name: Rule, EventBusName, EventPattern }));
      const Targets = [{ Id: "queue", Arn: Attributes?.["QueueArn"] }];
      await events.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
    },

    deadLetters: async (QueueName: string) => {
      const { QueueUrl = "" } = await queues.send(new GetQueueUrlCommand({ QueueName }));
      return drained(QueueUrl);
    },

    /** All text that is kept anywhere but in Secrets Manager, by place. */
    writings: async (TableName: string): Promise<Record<string, string[]>> => {
      const rows = [];
      let ExclusiveStartKey: Record<string, never> | undefined;
      do {
        const page = await dynamodb.send(new ScanCommand({ TableName, ExclusiveStartKey }));
        rows.push(...(page.Items ?? []));
        ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
      } while (ExclusiveStartKey);

      const histories = [];
      for (const { stateMachineArn } of await stateMachines())
        for (const { executionArn } of await executionsOf(stateMachineArn))
          histories.push(...(await historyOf(executionArn)));

      const lines = [];
      for (const logGroupName of await logGroups()) {
        const found = await logs.send(new FilterLogEventsCommand({ logGroupName, limit: 10_000 }));
        lines.push(...(found.events ?? []));
      }

      const { QueueUrl = "" } = await queues.send(
        new GetQueueUrlCommand({ QueueName: "all-events" }),
      );
      const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
      const asText = (found: readonly unknown[]) => found.map((one) => JSON.stringify(one));
      return {
        table: asText(rows),
        executions: asText(histories),
        logs: lines.map(({ message = "" }) => message),
        events: await drained(QueueUrl),
        environment: asText(Functions.map(({ Environment }) => Environment)),
      };
    },
  };
};
export type Account = ReturnType<typeof openAccount>;
