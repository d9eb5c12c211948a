import { GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Write } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

/** An answer is remembered this long; TTL only removes the row, the reader compares. */
const REMEMBERED_SECONDS = 86_400;

const recordSchema = z.object({
  body_sha256: z.string(),
  session_id: z.string().optional(),
  plan_id: z.string().optional(),
  ttl: z.int(),
});
export type IdempotencyRecord = z.infer<typeof recordSchema>;

/** What a request made; one of them. */
type Made = { readonly session_id: string } | { readonly plan_id: string };

/** One use of an Idempotency-Key: whose, and for which request body. */
export type IdempotencyUse = {
  readonly who: string;
  readonly key: string;
  readonly bodyHash: string;
};

/** The write that remembers what a key was used for; it fails when the key was used before. */
export const putIdempotency = (
  { name }: Table,
  { who, key, bodyHash }: IdempotencyUse,
  made: Made,
  now: string,
): Write => {
  const epoch = Math.floor(Date.parse(now) / 1000);
  return {
    Put: {
      TableName: name,
      Item: {
        ...keys.idempotency(who, key),
        kind: "idempotency",
        body_sha256: bodyHash,
        ...made,
        ttl: epoch + REMEMBERED_SECONDS,
      },
      // TTL may take days to remove a row that has expired.
      ConditionExpression: "attribute_not_exists(PK) OR #ttl <= :now",
      ExpressionAttributeNames: { "#ttl": "ttl" },
      ExpressionAttributeValues: { ":now": epoch },
    },
  };
};

/** What this caller used the key for before; null when never, or too long ago. */
export const findIdempotency = async (
  { client, name }: Table,
  { who, key }: IdempotencyUse,
  now: string,
): Promise<IdempotencyRecord | null> => {
  const { Item } = await client.send(
    new GetCommand({ TableName: name, Key: keys.idempotency(who, key), ConsistentRead: true }),
  );
  if (Item === undefined) return null;
  const record = parseRow(recordSchema, Item);
  return record.ttl * 1000 > Date.parse(now) ? record : null;
};
