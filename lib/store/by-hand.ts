import { GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Write } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

const byHandSchema = z.object({
  device_id: z.string(),
  session_id: z.string(),
  /** Of the request that set it, so that the same again is known for the same. */
  body_sha256: z.string(),
});

/** The session by which a host was last set to maintenance by hand. */
export type ByHand = z.infer<typeof byHandSchema>;

export const findByHand = async (
  { client, name }: Table,
  deviceId: string,
): Promise<ByHand | null> => {
  const { Item } = await client.send(
    new GetCommand({ TableName: name, Key: keys.byHand(deviceId), ConsistentRead: true }),
  );
  return Item === undefined ? null : parseRow(byHandSchema, Item);
};

/** The write that remembers it in place of the one before; it fails when somebody else was first. */
export const putByHand = ({ name }: Table, next: ByHand, before: ByHand | null): Write => ({
  Put: {
    TableName: name,
    Item: { ...keys.byHand(next.device_id), kind: "by_hand", ...next },
    ...(before === null
      ? { ConditionExpression: "attribute_not_exists(PK)" }
      : {
          ConditionExpression: "session_id = :before",
          ExpressionAttributeValues: { ":before": before.session_id },
        }),
  },
});
