import { QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type Delivery, deliverySchema } from "../domain/delivery.ts";
import type { ProjectEvent } from "../domain/events/project-event.ts";
import { later } from "../domain/instant.ts";
import { type Reach, reachIn } from "../domain/reach.ts";
import { isConditionFailure } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { keys, scopes, type Table } from "./table.ts";

/** Whether a project was told matters as long as its session lasts. */
const REACH_KEPT_SECONDS = 90 * 86_400;

const reachSchema = z.object({
  receivers: z.array(z.string()),
  complete: z.boolean(),
  outcomes: z.record(z.string(), z.enum(["reached", "not_reached"])),
  reached_at: z.string().nullable().default(null),
});

export type DeliveryPage = {
  readonly deliveries: Delivery[];
  readonly cursor: string | null;
};

/** What is known of deliveries once they have left their lanes: who was reached, and what was sent. */
export const deliveryStore = (table: Table) => {
  const { client, name } = table;

  return {
    /**
     * Says who is to get the event, before it is sent to anyone.
     *
     * @param complete false when some receivers could not be found out yet
     */
    async noteReceivers(
      event: ProjectEvent,
      receivers: readonly string[],
      complete: boolean,
    ): Promise<void> {
      await client.send(
        new UpdateCommand({
          TableName: name,
          Key: keys.reach(event, event.project_id),
          UpdateExpression: `SET #kind = :kind, receivers = :receivers, outcomes = if_not_exists(outcomes, :none),
            complete = ${complete ? ":complete" : "if_not_exists(complete, :complete)"}, #ttl = :ttl`,
          ExpressionAttributeNames: { "#kind": "kind", "#ttl": "ttl" },
          ExpressionAttributeValues: {
            ":kind": "reach",
            ":receivers": receivers,
            ":none": {},
            ":complete": complete,
            ":ttl": Math.floor(Date.parse(later(event.at, REACH_KEPT_SECONDS)) / 1000),
          },
        }),
      );
    },

    /** Says that a receiver of the event was reached by then, or never will be. */
    async noteReached(
      event: ProjectEvent,
      receiverId: string,
      { outcome, now }: { readonly outcome: "reached" | "not_reached"; readonly now: string },
    ): Promise<void> {
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keys.reach(event, event.project_id),
            UpdateExpression: `SET outcomes.#receiver = :outcome${
              outcome === "reached" ? ", reached_at = if_not_exists(reached_at, :now)" : ""
            }`,
            ConditionExpression: "attribute_exists(PK)",
            ExpressionAttributeNames: { "#receiver": receiverId },
            ExpressionAttributeValues: {
              ":outcome": outcome,
              ...(outcome === "reached" && { ":now": now }),
            },
          }),
        );
      } catch (error) {
        // Sent again so late that nobody asks any more.
        if (!isConditionFailure(error)) throw error;
      }
    },

    /** Whether the project was told what the session's events of that instant say; read strongly. */
    async reachOf(sessionId: string, projectId: string, at: string): Promise<Reach> {
      const event = { session_id: sessionId, at, entity: "", sequence: 0 };
      const { PK, SK } = keys.reach(event, projectId);
      const rows = await queryAll(table, PK, SK.slice(0, SK.indexOf(at) + at.length + 1));
      return reachIn(rows.map((row) => parseRow(reachSchema, row)));
    },

    /**
     * What went or is to go to a webhook, the newest event first; a moment behind.
     *
     * @param since only events from then on, the oldest first
     * @throws MalformedError when it is not a cursor of such a list
     */
    async list(
      receiverId: string,
      {
        limit,
        cursor,
        since = null,
      }: { readonly limit: number; readonly cursor: string | null; readonly since?: string | null },
    ): Promise<DeliveryPage> {
      const start = cursor === null ? null : startAfter(receiverId, cursor);
      const nothing = { session_id: "", at: "", entity: "", sequence: 0 };
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: name,
          IndexName: "by_scope",
          KeyConditionExpression:
            since === null ? "GSI1PK = :list" : "GSI1PK = :list AND GSI1SK >= :since",
          ExpressionAttributeValues: {
            ":list": scopes.deliveries(receiverId, nothing).GSI1PK,
            ...(since !== null && { ":since": since }),
          },
          ScanIndexForward: since !== null,
          Limit: limit,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      return {
        deliveries: Items.map((row) => parseRow(deliverySchema, row)),
        cursor: LastEvaluatedKey ? encodeCursor(String(LastEvaluatedKey["GSI1SK"])) : null,
      };
    },
  };
};
export type DeliveryStore = ReturnType<typeof deliveryStore>;

const startAfter = (receiverId: string, cursor: string) => {
  const [sortKey = ""] = decodeCursor(cursor, /^\d{4}-[^#]+#[^#]+#[^#]+#\d+$/);
  const [at = "", session_id = "", entity = "", sequence = ""] = sortKey.split("#");
  const event = { session_id, at, entity, sequence: Number(sequence) };
  return { ...scopes.deliveries(receiverId, event), ...keys.delivery(receiverId, event) };
};
