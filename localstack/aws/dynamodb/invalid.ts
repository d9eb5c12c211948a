import { AwsError } from "../errors.ts";

/** The caller's input is wrong; the message is what the DynamoDB service answers where known. */
export const invalid = (message: string): AwsError => new AwsError("ValidationException", message);

/** A parameter's value contradicts the table or another parameter. */
export const invalidParameter = (message: string): AwsError =>
  invalid(`One or more parameter values were invalid: ${message}`);

/** The body is not of the JSON protocol's shape: a member has the wrong JSON type. */
export const malformed = (message: string): AwsError =>
  new AwsError("SerializationException", message);
