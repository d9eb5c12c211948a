import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { NotFoundError } from "../domain/errors.ts";
import { SYNC_REQUESTED, type Sync, syncSchema } from "../domain/sync.ts";
import { transact } from "./conditions.ts";
import { putEvent } from "./outbox.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

export const syncStore = (table: Table) => {
  const { client, name } = table;
  const row = (sync: Sync) => ({ ...keys.sync(sync.sync_id), kind: "sync", ...sync });
  return {
    /** Stores the wish together with the event that has it fulfilled. */
    async request(sync: Sync): Promise<void> {
      await transact(table, [
        { Put: { TableName: name, Item: row(sync) } },
        putEvent(table, keys.sync(sync.sync_id).PK, {
          schema: 1,
          type: SYNC_REQUESTED,
          entity: sync.sync_id,
          sequence: 1,
          at: sync.requested_at,
          detail: { sync_id: sync.sync_id },
        }),
      ]);
    },

    async get(syncId: string): Promise<Sync> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.sync(syncId), ConsistentRead: true }),
      );
      if (Item === undefined) throw new NotFoundError(`no sync ${syncId}`);
      return parseRow(syncSchema, Item);
    },

    /** Stores the end of a sync; the first end stays when it was delivered twice. */
    async finish(sync: Sync): Promise<void> {
      await transact(table, [
        {
          Put: {
            TableName: name,
            Item: row(sync),
            ConditionExpression: "attribute_not_exists(PK) OR #state = :requested",
            ExpressionAttributeNames: { "#state": "state" },
            ExpressionAttributeValues: { ":requested": "REQUESTED" },
          },
        },
      ]);
    },
  };
};
export type SyncStore = ReturnType<typeof syncStore>;
