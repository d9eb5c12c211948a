import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { type DomainEvent, EVENT_SOURCE } from "../domain/events/event.ts";

/** Entries, and characters of detail, that PutEvents takes at once: 256 KB with all around them. */
const BATCH = 10;
const BATCH_CHARACTERS = 80_000;

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
  const entries = events.map((event) => entryOf(bus, event));
  for (let first = 0; first < entries.length; ) {
    const batch = batchFrom(entries.slice(first, first + BATCH));
    const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: batch }));
    for (const [n, { ErrorCode }] of Entries.entries())
      if (ErrorCode !== undefined) refused.add(first + n);
    first += batch.length;
  }
  return refused;
};

/** As many of the first entries as fit into one request; one always goes. */
const batchFrom = (entries: readonly Entry[]): Entry[] => {
  let characters = 0;
  const fits = entries.filter(({ Detail }) => {
    characters += Detail.length;
    return characters <= BATCH_CHARACTERS;
  });
  return fits.length > 0 ? fits : entries.slice(0, 1);
};

type Entry = ReturnType<typeof entryOf>;

const entryOf = (bus: string, event: DomainEvent) => ({
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
});
