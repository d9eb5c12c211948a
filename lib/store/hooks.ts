import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import { type Hook, hookSchema } from "../domain/hook.ts";
import { isConditionFailure, transact } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

export const hookStore = (table: Table) => {
  const { client, name } = table;
  return {
    /** Stores a hook; when it is there already (a repeated step), it is left as it is. */
    async add(hook: Hook): Promise<void> {
      await transact(table, [
        {
          Put: {
            TableName: name,
            Item: { ...keys.hook(hook.hook_id), kind: "hook", ...hook },
            ConditionExpression: "attribute_not_exists(PK)",
          },
        },
      ]);
    },

    async get(hookId: string): Promise<Hook> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.hook(hookId), ConsistentRead: true }),
      );
      if (Item === undefined) throw new NotFoundError("no such callback");
      return parseRow(hookSchema, Item);
    },

    /**
     * Records the first answer.
     *
     * @throws ConflictError when another answer was recorded before
     */
    async answer(hookId: string, answer: NonNullable<Hook["answer"]>): Promise<void> {
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keys.hook(hookId),
            UpdateExpression: "SET answer = :answer",
            ConditionExpression: "attribute_exists(PK) AND answer = :none",
            ExpressionAttributeValues: { ":answer": answer, ":none": null },
          }),
        );
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        throw new ConflictError("this work was answered before", { cause: error });
      }
    },
  };
};
export type HookStore = ReturnType<typeof hookStore>;
