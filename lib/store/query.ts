import { QueryCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Table } from "./table.ts";

type Rows = Record<string, unknown>[];

/** Every row of one partition whose sort key begins with `prefix`, read strongly, page by page. */
export const queryAll = (table: Table, partition: string, prefix: string): Promise<Rows> =>
  everyPage(table, {
    KeyConditionExpression: "PK = :pk AND begins_with(SK, :prefix)",
    ExpressionAttributeValues: { ":pk": partition, ":prefix": prefix },
    ConsistentRead: true,
  });

/** The first rows of one partition after a sort key, read strongly. */
export const queryAfter = async (
  { client, name }: Table,
  partition: string,
  after: string,
  limit: number,
): Promise<Rows> => {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      KeyConditionExpression: "PK = :pk AND SK > :after",
      ExpressionAttributeValues: { ":pk": partition, ":after": after },
      ConsistentRead: true,
      Limit: limit,
    }),
  );
  return Items;
};

/** Every row of one partition of an index, page by page; a moment behind the table. */
export const queryIndex = (
  table: Table,
  index: string,
  attribute: string,
  partition: string,
): Promise<Rows> =>
  everyPage(table, {
    IndexName: index,
    KeyConditionExpression: "#partition = :partition",
    ExpressionAttributeNames: { "#partition": attribute },
    ExpressionAttributeValues: { ":partition": partition },
  });

/** What `tick` has to look at by `now`: the longest due first, at most `limit`. */
export const queryDue = async (
  { client, name }: Table,
  partition: string,
  now: string,
  limit: number,
): Promise<Rows> => {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      IndexName: "due",
      KeyConditionExpression: "#due = :partition AND due_at <= :now",
      ExpressionAttributeNames: { "#due": "due" },
      ExpressionAttributeValues: { ":partition": partition, ":now": now },
      Limit: limit,
    }),
  );
  return Items;
};

const everyPage = async (
  { client, name }: Table,
  query: Omit<QueryCommandInput, "TableName">,
): Promise<Rows> => {
  const rows: Rows = [];
  let start: QueryCommandInput["ExclusiveStartKey"];
  do {
    const page = await client.send(
      new QueryCommand({ ...query, TableName: name, ExclusiveStartKey: start }),
    );
    rows.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return rows;
};
