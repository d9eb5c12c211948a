import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { later } from "../domain/instant.ts";
import { isConditionFailure } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

/** After trouble, so many good looks in a row say that the cloud is well again. */
const GOOD_PROBES = 3;
/** All runs together look this often, and no oftener. */
const SECONDS_BETWEEN = 10;

const healthSchema = z.object({
  /** What was wrong when somebody last looked; null = well. */
  why: z.string().nullable(),
  good: z.int(),
  probed_at: z.string(),
});

const WELL = { why: null, good: GOOD_PROBES, probed_at: "" };

export const cloudHealth = (table: Table) => {
  const { client, name } = table;

  const read = async () => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.cloudHealth(), ConsistentRead: true }),
    );
    return Item === undefined ? WELL : parseRow(healthSchema, Item);
  };

  const write = async (next: z.infer<typeof healthSchema>, seen: string): Promise<boolean> => {
    try {
      await client.send(
        new UpdateCommand({
          TableName: name,
          Key: keys.cloudHealth(),
          UpdateExpression: "SET kind = :kind, why = :why, good = :good, probed_at = :now",
          ConditionExpression: "attribute_not_exists(PK) OR probed_at = :seen",
          ExpressionAttributeValues: {
            ":kind": "cloud_health",
            ":why": next.why,
            ":good": next.good,
            ":now": next.probed_at,
            ":seen": seen,
          },
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  };

  return {
    /** What is wrong with the cloud as far as anybody has seen; null when it is well. */
    async why(): Promise<string | null> {
      return (await read()).why;
    },

    /** Since when all has been well after trouble; `now` while it is not, null when there was none. */
    async wellSince(now: string): Promise<string | null> {
      const { why, probed_at } = await read();
      return why !== null ? now : probed_at || null;
    },

    /**
     * Whether it is this caller's turn to look whether the cloud is well again. Everybody else
     * leaves it alone: many runs that knock at once keep a cloud from getting up.
     */
    async isTurn(now: string): Promise<boolean> {
      const seen = await read();
      if (seen.why === null || now < later(seen.probed_at, SECONDS_BETWEEN)) return false;
      return write({ ...seen, probed_at: now }, seen.probed_at);
    },

    /** Writes down what a look at the cloud has found: `why` null = it answered as it should. */
    async saw(why: string | null, now: string): Promise<void> {
      const seen = await read();
      if (seen.why === null && why === null) return;
      const good = why === null ? seen.good + 1 : 0;
      const next = { why: good >= GOOD_PROBES ? null : (why ?? seen.why), good, probed_at: now };
      // Whoever was faster has looked at the same moment.
      await write(next, seen.probed_at);
    },
  };
};
export type CloudHealthStore = ReturnType<typeof cloudHealth>;
