import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { InvalidError, NotFoundError } from "../domain/errors.ts";
import { type Subscription, subscriptionSchema } from "../domain/subscription.ts";
import { transact, type Write } from "./conditions.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

/** Webhooks of projects; a project has few, so they are read as one partition. */
export const subscriptionStore = (table: Table) => {
  const { client, name } = table;

  const counting = (projectId: string, by: 1 | -1, most: number): Write => ({
    Update: {
      TableName: name,
      Key: keys.subscriptionCount(projectId),
      UpdateExpression:
        "SET #kind = :kind, subscriptions = if_not_exists(subscriptions, :none) + :by",
      ...(by > 0 && {
        ConditionExpression:
          "subscriptions < :most OR (attribute_not_exists(subscriptions) AND :none < :most)",
      }),
      ExpressionAttributeNames: { "#kind": "kind" },
      ExpressionAttributeValues: {
        ":kind": "subscription_count",
        ":none": 0,
        ":by": by,
        ...(by > 0 && { ":most": most }),
      },
    },
  });

  const find = async (projectId: string, id: string): Promise<Subscription | null> => {
    const { Item } = await client.send(
      new GetCommand({
        TableName: name,
        Key: keys.subscription(projectId, id),
        ConsistentRead: true,
      }),
    );
    return Item === undefined ? null : parseRow(subscriptionSchema, Item);
  };

  return {
    find,

    /** @throws NotFoundError when the project has no such subscription */
    async get(projectId: string, id: string): Promise<Subscription> {
      const found = await find(projectId, id);
      if (found === null) throw new NotFoundError("there is no such subscription");
      return found;
    },

    /** All of a project, read strongly, in no order. */
    async list(projectId: string): Promise<Subscription[]> {
      const rows = await queryAll(table, keys.subscription(projectId, "").PK, "SUB#");
      return rows.map((row) => parseRow(subscriptionSchema, row));
    },

    /** @throws InvalidError when the project has as many as it may */
    async add(subscription: Subscription, most: number): Promise<void> {
      const { project_id, subscription_id } = subscription;
      const Item = {
        ...keys.subscription(project_id, subscription_id),
        kind: "subscription",
        ...subscription,
      };
      const held = await transact(table, [
        { Put: { TableName: name, Item, ConditionExpression: "attribute_not_exists(PK)" } },
        counting(project_id, 1, most),
      ]);
      if (held !== null)
        throw new InvalidError(`a project may have ${most} subscriptions`, [
          {
            path: "",
            code: "too_many_subscriptions",
            message: "delete one that is not needed, or ask the operator for more",
          },
        ]);
    },

    /** @throws NotFoundError when the project has no such subscription (any more) */
    async remove(projectId: string, id: string): Promise<void> {
      const held = await transact(table, [
        {
          Delete: {
            TableName: name,
            Key: keys.subscription(projectId, id),
            ConditionExpression: "attribute_exists(PK)",
          },
        },
        counting(projectId, -1, 0),
      ]);
      if (held !== null) throw new NotFoundError("there is no such subscription");
    },
  };
};
export type SubscriptionStore = ReturnType<typeof subscriptionStore>;
