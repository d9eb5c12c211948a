import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DomainEvent } from "../../lib/domain/events/event.ts";
import { later } from "../../lib/domain/instant.ts";
import { transact } from "../../lib/store/conditions.ts";
import { asStoredEvent, outbox, putEvent } from "../../lib/store/outbox.ts";
import { type DynamoDb, NOW, startDynamoDb } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const PARTITION = "S#session-1";

const event = (sequence: number, but: Partial<DomainEvent> = {}): DomainEvent => ({
  schema: 1,
  type: "maintenance.session",
  entity: "session-1",
  sequence,
  at: NOW,
  detail: { sequence },
  ...but,
});

const open = () => {
  const table = dynamodb.newTable();
  return {
    ...outbox(table),
    store: (events: readonly DomainEvent[], partition = PARTITION) =>
      transact(
        table,
        events.map((one) => putEvent(table, partition, one)),
      ),
  };
};

const sequencesOf = (events: readonly DomainEvent[]) => events.map(({ sequence }) => sequence);

describe("the history of a session", () => {
  test("is told oldest first, and in their own order for events of one instant", async () => {
    const { store, list } = open();
    await store([event(2), event(10), event(1), event(3, { at: later(NOW, -1) })]);

    expect(sequencesOf((await list(PARTITION, 10, null)).events)).toEqual([3, 1, 2, 10]);
  });

  test("is told page by page, each event once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (events, limit) => {
          const { store, list } = open();
          const all = Array.from({ length: events }, (_, n) => event(n));
          await store(all);
          const seen: DomainEvent[] = [];
          let cursor: string | null = null;
          do {
            const page: Awaited<ReturnType<typeof list>> = await list(PARTITION, limit, cursor);
            expect(page.events.length).toBeLessThanOrEqual(limit);
            seen.push(...page.events);
            cursor = page.cursor;
          } while (cursor !== null);

          expect(seen).toEqual(all);
        },
      ),
      { numRuns: 15 },
    );
  });

  test("refuses a cursor that is not one of its own", async () => {
    const host = Buffer.from('["HOST#cmp-01"]').toString("base64url");

    for (const cursor of ["", "E#2026", host])
      await expect(open().list(PARTITION, 1, cursor)).rejects.toMatchObject({
        findings: [{ path: "cursor" }],
      });
  });

  test("holds no event of another session", async () => {
    const { store, list } = open();
    await store([event(1)]);
    await store([event(2)], "S#session-2");

    expect(sequencesOf((await list(PARTITION, 10, null)).events)).toEqual([1]);
  });
});

describe("an event", () => {
  test("waits for the janitor only once the stream has had its time", async () => {
    const { store, unpublished } = open();
    await store([event(1)]);

    expect(await unpublished(later(NOW, 59), 10)).toEqual([]);
    expect(await unpublished(later(NOW, 60), 10)).toMatchObject([event(1)]);
  });

  test("that was published waits no more, and stays in the history", async () => {
    const { store, unpublished, published, list } = open();
    await store([event(1), event(2)]);
    const [first] = await unpublished(later(NOW, 60), 1);
    expect(first).toBeDefined();
    if (first) await published(first);
    if (first) await published(first);

    expect(sequencesOf(await unpublished(later(NOW, 60), 10))).toEqual([2]);
    expect(sequencesOf((await list(PARTITION, 10, null)).events)).toEqual([1, 2]);
  });

  test("that does not exist is not brought into being by its publication", async () => {
    const { published, list } = open();
    await published({ PK: PARTITION, SK: "E#nothing" });

    expect((await list(PARTITION, 10, null)).events).toEqual([]);
  });

  test("is given to the janitor oldest first, and no more than asked for", async () => {
    const { store, unpublished } = open();
    await store([event(2, { at: later(NOW, 1) }), event(1), event(3, { at: later(NOW, 2) })]);

    expect(sequencesOf(await unpublished(later(NOW, 600), 2))).toEqual([1, 2]);
  });

  test("is read from the stream's row with the keys that take it off the list", () => {
    const row = { PK: PARTITION, SK: "E#1", kind: "event", due: "OUTBOX", ...event(1) };

    expect(asStoredEvent(row)).toEqual({ PK: PARTITION, SK: "E#1", ...event(1) });
  });
});
