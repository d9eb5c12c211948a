import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Freeze } from "../domain/standstill.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

const freezeSchema = z.object({
  frozen: z.boolean(),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
});

/** The row that says whether the cloud is frozen. */
export const freezeRow = (freeze: Freeze) => ({ ...keys.freeze(), kind: "freeze", ...freeze });

export const freezeStore = ({ client, name }: Table) => ({
  /** Who froze or thawed the cloud last; null when nobody ever did. */
  async get(): Promise<Freeze | null> {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.freeze(), ConsistentRead: true }),
    );
    return Item === undefined ? null : parseRow(freezeSchema, Item);
  },

  /** Freezes or thaws: from the next effect on, for good until somebody says otherwise. */
  async put(freeze: Freeze): Promise<void> {
    await client.send(new PutCommand({ TableName: name, Item: freezeRow(freeze) }));
  },
});
export type FreezeStore = ReturnType<typeof freezeStore>;
