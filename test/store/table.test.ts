import type { DynamoDBRecord } from "aws-lambda";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { parseRow } from "../../lib/store/rows.ts";
import { changedRow } from "../../lib/store/stream.ts";
import { due, keys, scopes } from "../../lib/store/table.ts";
import { serverless } from "../serverless.ts";

const { Properties: table } = serverless.resource("Table", "AWS::DynamoDB::Table");
const attributesOf = (schema: unknown) =>
  z
    .array(z.object({ AttributeName: z.string() }))
    .parse(schema)
    .map(({ AttributeName }) => AttributeName);

describe("the table", () => {
  test("has the keys that rows are stored under", () => {
    expect(Object.keys(keys.session("1"))).toEqual(attributesOf(table["KeySchema"]));
  });

  test("has the indexes that lists and the janitor read", () => {
    const indexes = z
      .array(z.object({ IndexName: z.string(), KeySchema: z.unknown() }))
      .parse(table["GlobalSecondaryIndexes"])
      .map(({ IndexName, KeySchema }) => [IndexName, attributesOf(KeySchema)]);

    expect(Object.fromEntries(indexes)).toEqual({
      by_scope: Object.keys(scopes.regions("", "")),
      due: ["due", "due_at"],
    });
    expect(Object.values(due)).toEqual(["RUN", "OUTBOX", "DELIVERY"]);
  });

  test("streams rows before and after, expires what has a ttl, and can be restored", () => {
    expect(table).toMatchObject({
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
      TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });
});

describe("keys", () => {
  const ids = fc.uuid();
  /** One key of each kind of row, of the same ids. */
  const allOf = (one: string, other: string) => [
    keys.region(one),
    keys.device(one),
    keys.deviceName(one, other),
    keys.owner(one),
    keys.slots(one),
    keys.group(one),
    keys.session(one),
    keys.hostRun(one, other),
    keys.move(one, other, one),
    keys.sessionProject(one, other),
    keys.event(keys.session(one).PK, other, one, 1),
    keys.reach({ session_id: one, at: other, entity: one, sequence: 1 }, other),
    keys.lane(one, other),
    keys.delivery(one, { session_id: other, at: other, entity: one, sequence: 1 }),
    keys.subscription(one, other),
    keys.subscriptionCount(one),
    keys.run(one),
    keys.wake(one),
    keys.intent(one, other),
    keys.hook(one),
    keys.sync(one),
    keys.idempotency(one, other),
  ];
  const asText = ({ PK, SK }: { PK: string; SK: string }) => `${PK} ${SK}`;

  test("of different kinds or ids are never the same", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(ids, { minLength: 3, maxLength: 3 }),
        ([a = "", b = "", c = ""]) => {
          const all = [...allOf(a, b), ...allOf(b, c), ...allOf(c, a)].map(asText);

          expect(new Set(all).size).toBe(all.length);
        },
      ),
    );
  });

  test("of events sort by time, then by number", () => {
    const numbers = fc.nat(999_999_999);

    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        const key = (sequence: number) => keys.event("S#1", "2026", "entity", sequence).SK;

        expect(key(one) < key(other)).toBe(one < other);
      }),
    );
  });
});

test("a row that does not parse is named, never skipped", () => {
  const row = { PK: "S#1", SK: "#META", n: "one" };

  expect(() => parseRow(z.object({ n: z.int() }), row)).toThrow(/row S#1 #META/);
});

describe("a change in the stream", () => {
  const record = (images: object) => ({ dynamodb: images }) as Pick<DynamoDBRecord, "dynamodb">;

  test("is read as the rows before and after", () => {
    const change = record({
      OldImage: { n: { N: "1" }, tags: { SS: ["a"] }, gone: { NULL: true } },
      NewImage: { n: { N: "2" }, list: { L: [{ S: "x" }] } },
    });

    expect(changedRow(change)).toEqual({
      before: { n: 1, tags: new Set(["a"]), gone: null },
      after: { n: 2, list: ["x"] },
    });
  });

  test("of a row that came or went has one side only", () => {
    expect(changedRow(record({ NewImage: { n: { N: "1" } } }))).toEqual({
      before: undefined,
      after: { n: 1 },
    });
    expect(changedRow(record({ OldImage: { n: { N: "1" } } })).after).toBeUndefined();
    expect(changedRow({})).toEqual({ before: undefined, after: undefined });
  });
});
