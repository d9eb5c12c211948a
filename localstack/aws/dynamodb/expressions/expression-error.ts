import { invalid } from "../invalid.ts";

/** The request members that hold an expression; error messages begin with their name. */
export type ExpressionKind =
  | "ConditionExpression"
  | "FilterExpression"
  | "KeyConditionExpression"
  | "ProjectionExpression"
  | "UpdateExpression";

export const invalidExpression = (kind: ExpressionKind, message: string) =>
  invalid(`Invalid ${kind}: ${message}`);
