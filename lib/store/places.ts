import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { MOST_LANES_OF_A_PROJECT } from "../domain/delivery.ts";
import { getAll } from "./batch-get.ts";
import { isConditionFailure } from "./conditions.ts";
import type { LaneRef } from "./lanes.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

const placesSchema = z.object({ lanes: z.set(z.string()).default(new Set()) });

const busySchema = z.object({ PK: z.string(), busy_until: z.string().optional() });

/** Nobody looks at the places of a project that has been told nothing for so long. */
const KEPT_SECONDS = 30 * 86_400;

const nameOf = ({ receiver_id, session_id }: LaneRef): string =>
  keys.lane(receiver_id, session_id).PK;

/**
 * Which lanes of a project are at work, so that a project whose receivers hang leaves room for others
 * in the sink. Nobody gives a place back: a lane that nobody works any more loses it when all are
 * taken, so none is lost with a worker that dies.
 */
export const placeStore = (table: Table) => {
  const { client, name } = table;

  return {
    /**
     * Gives the lane a place of its project, if it has none; false when there is none left. A lane
     * that only begins to be worked may lose its place to another, and then one more is at work.
     */
    async take(projectId: string, lane: LaneRef, now: string): Promise<boolean> {
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keys.places(projectId),
            UpdateExpression: "SET #kind = :kind, #ttl = :ttl ADD lanes :lanes",
            ConditionExpression:
              "attribute_not_exists(lanes) OR size(lanes) < :most OR contains(lanes, :lane)",
            ExpressionAttributeNames: { "#kind": "kind", "#ttl": "ttl" },
            ExpressionAttributeValues: {
              ":kind": "places",
              ":ttl": Math.floor(Date.parse(now) / 1000) + KEPT_SECONDS,
              ":lanes": new Set([nameOf(lane)]),
              ":lane": nameOf(lane),
              ":most": MOST_LANES_OF_A_PROJECT,
            },
          }),
        );
        return true;
      } catch (error) {
        if (isConditionFailure(error)) return false;
        throw error;
      }
    },

    /** Takes their places from lanes that nobody works now. */
    async tidy(projectId: string, now: string): Promise<void> {
      const Key = keys.places(projectId);
      const { Item = {} } = await client.send(
        new GetCommand({ TableName: name, Key, ConsistentRead: true }),
      );
      const { lanes } = parseRow(placesSchema, Item);
      const rows = await getAll(
        table,
        [...lanes].map((PK) => ({ PK, SK: "#LANE" })),
      );
      const atWork = new Set(
        rows
          .map((row) => parseRow(busySchema, row))
          .flatMap(({ PK, busy_until }) => (busy_until && busy_until > now ? [PK] : [])),
      );
      const idle = [...lanes].filter((lane) => !atWork.has(lane));
      if (idle.length === 0) return;
      await client.send(
        new UpdateCommand({
          TableName: name,
          Key,
          UpdateExpression: "DELETE lanes :idle",
          ExpressionAttributeValues: { ":idle": new Set(idle) },
        }),
      );
    },
  };
};
export type PlaceStore = ReturnType<typeof placeStore>;
