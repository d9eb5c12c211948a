import { readSettings } from "../../lib/config.ts";
import { putEvents } from "../../lib/events/bus.ts";
import { streamBatch } from "../../lib/lambda/stream-batch.ts";
import { asStoredEvent, outbox } from "../../lib/store/outbox.ts";
import { changedRow } from "../../lib/store/stream.ts";
import { openTable } from "../../lib/store/table.ts";

const { TABLE_NAME, BUS_NAME } = readSettings();
const { published } = outbox(openTable(TABLE_NAME));

/**
 * Reads the table's stream: puts each new event on the bus and takes it off the janitor's list.
 * An event may be put twice; its entity and sequence tell.
 */
export const handler = streamBatch(async (record) => {
  const { before, after } = changedRow(record);
  if (before !== undefined || after?.["kind"] !== "event") return;
  const event = asStoredEvent(after);
  const refused = await putEvents(BUS_NAME, [event]);
  if (refused.size > 0) throw new Error(`the bus refused event ${event.PK} ${event.SK}`);
  await published(event);
});
