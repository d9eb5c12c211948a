import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { DynamoDBRecord } from "aws-lambda";

export type Row = Readonly<Record<string, unknown>>;

/** Row images arrive as JSON, whose attribute values have the SDK's shape but for binary ones. */
const rowOf = (image: unknown): Row | undefined => (isImage(image) ? unmarshall(image) : undefined);

const isImage = (image: unknown): image is Record<string, AttributeValue> =>
  typeof image === "object" && image !== null;

/** A row before and after a change; undefined where it did not exist. */
export const changedRow = ({
  dynamodb,
}: Pick<DynamoDBRecord, "dynamodb">): { before: Row | undefined; after: Row | undefined } => ({
  before: rowOf(dynamodb?.OldImage),
  after: rowOf(dynamodb?.NewImage),
});
