import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { logger } from "./logger.ts";

/**
 * Wraps a consumer of the table's stream: records are handled in order, and from the first that
 * fails on the batch is read again, so that the order of a row's changes is kept.
 */
export const streamBatch =
  (handle: (record: DynamoDBRecord) => Promise<void>) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    for (const record of Records) {
      try {
        await handle(record);
      } catch (error) {
        const itemIdentifier = record.dynamodb?.SequenceNumber ?? "";
        logger.warn("stream record failed", { itemIdentifier, error });
        return { batchItemFailures: [{ itemIdentifier }] };
      }
    }
    return { batchItemFailures: [] };
  };
