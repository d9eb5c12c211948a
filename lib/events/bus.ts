import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { type DomainEvent, EVENT_SOURCE } from "../domain/events/event.ts";

/** Entries that PutEvents takes at once. */
const BATCH = 10;

const client = new EventBridgeClient({});

/**
 * Puts events on the bus.
 *
 * @returns the positions of those that the bus did not take; PutEvents answers 200 for them too
 */
export const putEvents = async (
  bus: string,
  events: readonly DomainEvent[],
): Promise<Set<number>> => {
  const refused = new Set<number>();
  for (let first = 0; first < events.length; first += BATCH) {
    const { Entries = [] } = await client.send(
      new PutEventsCommand({
        Entries: events.slice(first, first + BATCH).map((event) => ({
          EventBusName: bus,
          Source: EVENT_SOURCE,
          DetailType: event.type,
          Time: new Date(event.at),
          Detail: JSON.stringify({
            ...event.detail,
            entity: event.entity,
            sequence: event.sequence,
            at: event.at,
          }),
        })),
      }),
    );
    Entries.forEach(({ ErrorCode }, n) => {
      if (ErrorCode !== undefined) refused.add(first + n);
    });
  }
  return refused;
};
