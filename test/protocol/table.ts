import { DatabaseSync } from "node:sqlite";
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { Table } from "../../lib/store/table.ts";
import { type Database, openDatabase } from "../../localstack/aws/dynamodb/database.ts";
import { AwsError } from "../../localstack/aws/errors.ts";
import { noMisbehaviour } from "../../localstack/aws/misbehaviour.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { serverless } from "../serverless.ts";

type Plain = Readonly<Record<string, unknown>>;
type Command = { readonly input: Plain; readonly constructor: { readonly name: string } };

/** Operations by the command of the document client; the others are called as their command is. */
const OPERATIONS: Readonly<Record<string, string>> = {
  GetCommand: "GetItem",
  PutCommand: "PutItem",
  UpdateCommand: "UpdateItem",
  DeleteCommand: "DeleteItem",
  BatchGetCommand: "BatchGetItem",
  TransactWriteCommand: "TransactWriteItems",
};

/** Members that hold one row, or values by name, and those that hold several rows. */
const ROWS = new Set([
  "Item",
  "Key",
  "Attributes",
  "ExpressionAttributeValues",
  "ExclusiveStartKey",
  "LastEvaluatedKey",
]);
const LISTS = new Set(["Items", "Keys"]);

const throughout = (value: unknown, convert: (row: Plain) => unknown): unknown => {
  if (Array.isArray(value)) return value.map((one) => throughout(one, convert));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (member === undefined) return [name, member];
      if (ROWS.has(name)) return [name, convert(member)];
      if (LISTS.has(name)) return [name, member.map(convert)];
      return [name, throughout(member, convert)];
    }),
  );
};

const sdkError = (error: unknown): unknown => {
  if (!(error instanceof AwsError)) return error;
  const { name, message, extra } = error;
  const options = { message, $metadata: {}, ...extra };
  if (name === "ConditionalCheckFailedException")
    return new ConditionalCheckFailedException(options);
  if (name === "TransactionCanceledException") return new TransactionCanceledException(options);
  return error;
};

/** An embedded DynamoDB in memory, and a table of it that is reached without a network. */
export type NearTable = { readonly table: Table; readonly database: Database };

/**
 * The deployed table on the embedded DynamoDB, behind a document client that calls it in this
 * process: tens of thousands of interleavings are as many calls, and HTTP would take most of the time.
 */
export const openNearTable = (): NearTable => {
  const sqlite = new DatabaseSync(":memory:");
  const database = openDatabase({ sqlite, clock: scaledClock(), misbehaviour: noMisbehaviour });
  const { Properties } = serverless.resource("Table", "AWS::DynamoDB::Table");
  const TableName = "lull-near";
  database.createTable({ ...Properties, TableName });
  const send = async (command: Command): Promise<unknown> => {
    const { name } = command.constructor;
    const operation = OPERATIONS[name] ?? name.replace(/Command$/, "");
    const wire = throughout(command.input, (row) => marshall(row, { removeUndefinedValues: true }));
    try {
      return throughout(database.handle(operation, wire) ?? {}, (row) => unmarshall(row as never));
    } catch (error) {
      throw sdkError(error);
    }
  };
  return { table: { client: { send }, name: TableName } as unknown as Table, database };
};
