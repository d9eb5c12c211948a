import type { DynamoDBRecord } from "aws-lambda";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterFailure,
  firstFailure,
  type Progress,
  sequenceOf,
} from "../../../../localstack/aws/streams/progress.ts";

const records = (from: number, to: number): DynamoDBRecord[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    dynamodb: { SequenceNumber: String(from + index) },
  }));

/** Delivers records 1..count as a mapping does; `poison` always fails, all else succeeds. */
const deliver = (
  count: number,
  poison: ReadonlySet<number>,
  mapping: { batchSize: number; bisect: boolean; maximumRetryAttempts: number; partial: boolean },
) => {
  let progress: Progress = { checkpoint: "0", parts: [] };
  const handled: number[] = [];
  const givenUp: number[] = [];
  for (let rounds = 0; rounds < 10_000; rounds++) {
    const from = Number(progress.checkpoint) + 1;
    const through = Number(progress.parts[0]?.through ?? count);
    const batch = records(from, Math.min(through, from + mapping.batchSize - 1));
    if (from > count) return { handled, givenUp };
    const numbers = batch.map((record) => Number(sequenceOf(record)));
    const culprit = numbers.findIndex((number) => poison.has(number));
    const failed = culprit < 0 ? -1 : mapping.partial ? culprit : 0;
    handled.push(...numbers.slice(0, culprit < 0 ? numbers.length : culprit));
    if (failed < 0)
      progress = { checkpoint: String(numbers.at(-1)), parts: progress.parts.slice(1) };
    else {
      const after = afterFailure(progress, batch, failed, mapping);
      givenUp.push(...after.givenUp.map((record) => Number(sequenceOf(record))));
      progress = after.progress;
    }
  }
  throw new Error("never ends");
};

test("bisecting gives up the poisonous records and no other, in order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
      (count, bad, batchSize, maximumRetryAttempts, partial) => {
        const poison = new Set(bad.filter((number) => number <= count));
        const { handled, givenUp } = deliver(count, poison, {
          batchSize,
          bisect: true,
          maximumRetryAttempts,
          partial,
        });
        expect(givenUp).toEqual([...poison].toSorted((a, b) => a - b));
        const good = records(1, count)
          .map(sequenceOf)
          .map(Number)
          .filter((n) => !poison.has(n));
        expect([...new Set(handled)]).toEqual(good);
      },
    ),
  );
});

test("without bisecting, what is left of the batch is given up with the culprit", () => {
  const { givenUp } = deliver(6, new Set([3]), {
    batchSize: 5,
    bisect: false,
    maximumRetryAttempts: 2,
    partial: true,
  });

  expect(givenUp).toEqual([3, 4, 5]);
});

test.each<[unknown, number]>([
  [undefined, -1],
  [null, -1],
  [{}, -1],
  [{ batchItemFailures: null }, -1],
  [{ batchItemFailures: [] }, -1],
  [{ batchItemFailures: [{ itemIdentifier: "3" }, { itemIdentifier: "2" }] }, 1],
  [{ batchItemFailures: [{ itemIdentifier: "" }] }, 0],
  [{ batchItemFailures: [{ itemIdentifier: "99" }] }, 0],
  [{ batchItemFailures: [{ item: "2" }] }, 0],
  ["nonsense", 0],
])("the answer %j says that record %i failed first", (answer, index) => {
  expect(firstFailure(answer, records(1, 4))).toBe(index);
});
