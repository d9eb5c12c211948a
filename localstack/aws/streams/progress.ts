import type { DynamoDBRecord } from "aws-lambda";
import * as z from "zod";
import type { MappingModel } from "../template/model.ts";

/**
 * How far a mapping has come. `parts` are the pieces of a batch that failed, oldest first: each
 * reaches up to and including `through` and has been tried `tries` times.
 */
export const progressSchema = z.object({
  checkpoint: z.string(),
  parts: z.array(z.object({ through: z.string(), tries: z.number() })),
});
export type Progress = z.infer<typeof progressSchema>;

export const sequenceOf = (record: DynamoDBRecord): string =>
  record.dynamodb?.SequenceNumber ?? "0";
export const isUpTo = (sequence: string, limit: string) => BigInt(sequence) <= BigInt(limit);

/**
 * Index of the first record that the function reports as failed; -1 = none. An answer that is not
 * of the documented form counts as a failure of the whole batch (Lambda developer guide, "Reporting
 * batch item failures").
 */
export const firstFailure = (result: unknown, records: readonly DynamoDBRecord[]): number => {
  const parsed = z
    .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })).nullish() })
    .nullish()
    .safeParse(result);
  if (!parsed.success) return 0;
  const indexes = (parsed.data?.batchItemFailures ?? []).map(({ itemIdentifier }) =>
    records.findIndex((record) => sequenceOf(record) === itemIdentifier),
  );
  if (indexes.length === 0) return -1;
  return Math.max(0, Math.min(...indexes));
};

/**
 * Where a mapping stands after the function failed from record `failed` on.
 *
 * Splitting costs no try: the part before the failed record is done, and a batch that fails at its
 * first record is halved until the culprit is alone.
 *
 * @returns the new progress, and what is left of the batch when its tries are used up
 */
export const afterFailure = (
  { checkpoint, parts }: Progress,
  records: readonly DynamoDBRecord[],
  failed: number,
  mapping: Pick<MappingModel, "bisect" | "maximumRetryAttempts">,
): { progress: Progress; givenUp: readonly DynamoDBRecord[]; tries: number } => {
  const left = records.slice(failed);
  const last = sequenceOf(left.at(-1) ?? {});
  const reached = sequenceOf(records[failed - 1] ?? { dynamodb: { SequenceNumber: checkpoint } });
  const tries = parts[0]?.tries ?? 0;
  const later = parts.slice(1);
  if (mapping.bisect && failed > 0)
    return kept(reached, [{ through: last, tries }, ...later], tries);
  if (mapping.bisect && left.length > 1) {
    const middle = sequenceOf(left[Math.floor(left.length / 2) - 1] ?? {});
    return kept(reached, [{ through: middle, tries }, { through: last, tries }, ...later], tries);
  }
  const { maximumRetryAttempts: most } = mapping;
  if (most >= 0 && tries >= most)
    return { progress: { checkpoint: last, parts: later }, givenUp: left, tries: tries + 1 };
  return kept(reached, [{ through: last, tries: tries + 1 }, ...later], tries + 1);
};

const kept = (checkpoint: string, parts: Progress["parts"], tries: number) => ({
  progress: { checkpoint, parts },
  givenUp: [],
  tries,
});
