import {
  ConditionalCheckFailedException,
  ProvisionedThroughputExceededException,
  ThrottlingException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { TransactWriteCommand, type TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import { TransientError } from "../domain/errors.ts";
import type { Table } from "./table.ts";

export type Write = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

/** Tries at a transaction that lost against another on one of its rows; the SDK makes none. */
const CONFLICT_TRIES = 5;
const CONFLICT_PAUSE_MS = 20;

/** Whether a single write was refused because the table, or one partition of it, is too busy now. */
export const isThrottled = (error: unknown): boolean =>
  error instanceof ThrottlingException || error instanceof ProvisionedThroughputExceededException;

export const isConditionFailure = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException;

/**
 * Writes all or nothing.
 *
 * @returns null when written; otherwise, for each write by position, whether its condition held
 * @throws TransientError when other transactions kept touching the same rows
 */
export const transact = async (
  { client }: Table,
  writes: readonly Write[],
): Promise<readonly boolean[] | null> => {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.send(new TransactWriteCommand({ TransactItems: [...writes] }));
      return null;
    } catch (error) {
      const failed = failedConditions(error);
      if (failed) return failed;
      if (!isConflict(error)) throw error;
      if (attempt === CONFLICT_TRIES)
        throw new TransientError("the table is busy: other writers keep changing the same rows", {
          cause: error,
        });
      const pause = CONFLICT_PAUSE_MS * 2 ** attempt * Math.random();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
};

const codes = (error: unknown): (string | undefined)[] =>
  error instanceof TransactionCanceledException
    ? (error.CancellationReasons ?? []).map(({ Code }) => Code)
    : [];

const failedConditions = (error: unknown): readonly boolean[] | null => {
  const reasons = codes(error);
  return reasons.includes("ConditionalCheckFailed")
    ? reasons.map((code) => code !== "ConditionalCheckFailed")
    : null;
};

const PASSING = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

const isConflict = (error: unknown): boolean =>
  codes(error).some((code) => code !== undefined && PASSING.includes(code));
