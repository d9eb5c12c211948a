import { AwsError } from "../errors.ts";

/** How a table that is billed on demand refuses more than it can take; worth a retry. */
export const throttlingError = (): AwsError =>
  new AwsError(
    "ThrottlingException",
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.",
  );
