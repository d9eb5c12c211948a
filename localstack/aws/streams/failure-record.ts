import { randomUUID } from "node:crypto";
import type { DynamoDBRecord } from "aws-lambda";
import type { MappingModel } from "../template/model.ts";
import { sequenceOf } from "./progress.ts";

/** What the on-failure queue gets: where the records were, not the records (developer guide). */
export const failureRecord = (
  mapping: MappingModel,
  records: readonly DynamoDBRecord[],
  tries: number,
  now: number,
) => {
  const arrival = (record: DynamoDBRecord | undefined) =>
    new Date((record?.dynamodb?.ApproximateCreationDateTime ?? 0) * 1_000).toISOString();
  return {
    requestContext: {
      requestId: randomUUID(),
      functionArn: mapping.functionArn,
      condition: "RetryAttemptsExhausted",
      approximateInvokeCount: tries,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: "$LATEST",
      functionError: "Unhandled",
    },
    version: "1.0",
    timestamp: new Date(now).toISOString(),
    DDBStreamBatchInfo: {
      shardId: "shardId-00000000000000000000-00000000",
      startSequenceNumber: records[0] && sequenceOf(records[0]),
      endSequenceNumber: records.at(-1) && sequenceOf(records.at(-1) ?? {}),
      approximateArrivalOfFirstRecord: arrival(records[0]),
      approximateArrivalOfLastRecord: arrival(records.at(-1)),
      batchSize: records.length,
      streamArn: mapping.streamArn,
    },
  };
};
