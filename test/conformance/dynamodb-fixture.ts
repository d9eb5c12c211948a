import {
  type AttributeValue,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Endpoint } from "./endpoint.ts";

export type Item = Record<string, AttributeValue>;

const attribute = (AttributeName: string, AttributeType: "S" | "N" | "B") => ({
  AttributeName,
  AttributeType,
});
const hash = (AttributeName: string) => ({ AttributeName, KeyType: "HASH" as const });
const range = (AttributeName: string) => ({ AttributeName, KeyType: "RANGE" as const });

/** A table with a string hash key PK and a range key SK of the given type. */
export const createPlainTable = ({ createTable }: Endpoint, type: "S" | "N" | "B" = "S") =>
  createTable("plain", {
    AttributeDefinitions: [attribute("PK", "S"), attribute("SK", type)],
    KeySchema: [hash("PK"), range("SK")],
  });

/**
 * A table with three indexes: `everything` (team, rank) with all attributes, `keys` (team) with keys
 * only, `notes` (team, rank) with the attribute `note`.
 */
export const createIndexedTable = ({ createTable }: Endpoint) =>
  createTable("indexed", {
    AttributeDefinitions: [
      attribute("PK", "S"),
      attribute("SK", "S"),
      attribute("team", "S"),
      attribute("rank_no", "N"),
    ],
    KeySchema: [hash("PK"), range("SK")],
    GlobalSecondaryIndexes: [
      {
        IndexName: "everything",
        KeySchema: [hash("team"), range("rank_no")],
        Projection: { ProjectionType: "ALL" },
      },
      {
        IndexName: "keys",
        KeySchema: [hash("team")],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
      {
        IndexName: "notes",
        KeySchema: [hash("team"), range("rank_no")],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["note"] },
      },
    ],
  });

/** The calls that nearly every case makes, on one table. */
export const tableCalls = (client: DynamoDBClient, TableName: string) => ({
  put: (Item: Item, more: Partial<PutItemCommandInput> = {}) =>
    client.send(new PutItemCommand({ TableName, Item, ...more })),
  get: (Key: Item, more: Partial<GetItemCommandInput> = {}) =>
    client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true, ...more })),
  remove: (Key: Item, more: Partial<DeleteItemCommandInput> = {}) =>
    client.send(new DeleteItemCommand({ TableName, Key, ...more })),
  update: (Key: Item, UpdateExpression: string, more: Partial<UpdateItemCommandInput> = {}) =>
    client.send(new UpdateItemCommand({ TableName, Key, UpdateExpression, ...more })),
  query: (KeyConditionExpression: string, more: Partial<QueryCommandInput> = {}) =>
    client.send(new QueryCommand({ TableName, KeyConditionExpression, ...more })),
});

let cases = 0;

/** A key that no other case uses. */
export const newKey = () => {
  cases += 1;
  return { PK: { S: `case-${cases}` }, SK: { S: "item" } };
};
