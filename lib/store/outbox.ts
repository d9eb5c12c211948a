import { QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type DomainEvent, eventSchema } from "../domain/events/event.ts";
import { later } from "../domain/instant.ts";
import { isConditionFailure, type Write } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { queryDue } from "./query.ts";
import { parseRow } from "./rows.ts";
import { due, keys, type Table } from "./table.ts";

/** The stream publishes within a second; what is still here after this long was lost by it. */
const REPUBLISH_AFTER_SECONDS = 60;

export type EventPage = { readonly events: DomainEvent[]; readonly cursor: string | null };
export type StoredEvent = DomainEvent & { readonly PK: string; readonly SK: string };

/**
 * The write that stores an event next to the change it tells of; both go into one transaction.
 *
 * @param partition key of the entity whose history the event belongs to
 * @param ttl when its row is forgotten, in seconds since the epoch; a history is kept
 */
export const putEvent = (
  { name }: Table,
  partition: string,
  event: DomainEvent,
  ttl?: number,
): Write => ({
  Put: {
    TableName: name,
    Item: {
      ...keys.event(partition, event.at, event.entity, event.sequence),
      kind: "event",
      ...event,
      due: due.outbox,
      due_at: later(event.at, REPUBLISH_AFTER_SECONDS),
      ...(ttl !== undefined && { ttl }),
    },
  },
});

const storedEventSchema = eventSchema.extend({ PK: z.string(), SK: z.string() });

/** An event row, from wherever it was read. */
export const asStoredEvent = (row: Readonly<Record<string, unknown>>): StoredEvent =>
  parseRow(storedEventSchema, row);

export const outbox = (table: Table) => ({
  /** Takes an event off the janitor's list; safe to repeat. */
  async published({ PK, SK }: { readonly PK: string; readonly SK: string }): Promise<void> {
    try {
      await table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: { PK, SK },
          UpdateExpression: "REMOVE #due, due_at",
          ConditionExpression: "attribute_exists(PK)",
          ExpressionAttributeNames: { "#due": "due" },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  },

  /** Events that nobody has published although they should have been by `now`. */
  async unpublished(now: string, limit: number): Promise<StoredEvent[]> {
    return (await queryDue(table, due.outbox, now, limit)).map(asStoredEvent);
  },

  /** The history of a session, oldest first. */
  async list(partition: string, limit: number, cursor: string | null): Promise<EventPage> {
    const [start] = cursor === null ? [] : decodeCursor(cursor, /^E#/);
    const { Items = [], LastEvaluatedKey } = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: "PK = :pk AND begins_with(SK, :events)",
        ExpressionAttributeValues: { ":pk": partition, ":events": "E#" },
        ConsistentRead: true,
        Limit: limit,
        ...(start !== undefined && { ExclusiveStartKey: { PK: partition, SK: start } }),
      }),
    );
    return {
      events: Items.map((row) => parseRow(eventSchema, row)),
      cursor: LastEvaluatedKey ? encodeCursor(String(LastEvaluatedKey["SK"])) : null,
    };
  },
});
