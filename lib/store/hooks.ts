import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import { type Hook, hookSchema } from "../domain/hook.ts";
import { isConditionFailure } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

export const hookStore = ({ client, name }: Table) => {
  const find = async (hookId: string): Promise<Hook | null> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.hook(hookId), ConsistentRead: true }),
    );
    return Item === undefined ? null : parseRow(hookSchema, Item);
  };

  return {
    /** Stores a hook, or adds its secrets to those of the hook that is there; answers with it. */
    async add({ secrets_sha256, ...hook }: Hook): Promise<Hook> {
      const fields = Object.entries({ kind: "hook", ...hook });
      const names = fields.map((_, n) => `#f${n} = if_not_exists(#f${n}, :f${n})`);
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName: name,
          Key: keys.hook(hook.hook_id),
          UpdateExpression: `SET ${names.join(", ")}, secrets_sha256 = list_append(if_not_exists(secrets_sha256, :none), :secrets)`,
          ExpressionAttributeNames: Object.fromEntries(
            fields.map(([field], n) => [`#f${n}`, field]),
          ),
          ExpressionAttributeValues: {
            ...Object.fromEntries(fields.map(([, value], n) => [`:f${n}`, value])),
            ":none": [],
            ":secrets": secrets_sha256,
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      return parseRow(hookSchema, Attributes ?? {});
    },

    find,

    async get(hookId: string): Promise<Hook> {
      const hook = await find(hookId);
      if (hook === null) throw new NotFoundError("no such callback");
      return hook;
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
