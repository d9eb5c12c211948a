/** Names of errors after which the same call may well succeed later, over all layers. */
const PASSING = new Set([
  "TransientError",
  "TransientOpenStackError",
  "EgressFailedError",
  "InternalServerError",
  // Of Secrets Manager.
  "InternalServiceError",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ServiceUnavailable",
  "ThrottlingException",
  "TimeoutError",
  "TransactionConflictException",
  "TransactionInProgressException",
]);

/** Codes by which Node says that nobody answered at the other end. */
const UNREACHABLE = new Set(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EPIPE", "ETIMEDOUT"]);

/** Whether it could only not be found out now. */
export const isPassing = (error: unknown): error is Error =>
  error instanceof Error &&
  (PASSING.has(error.name) ||
    ("code" in error && typeof error.code === "string" && UNREACHABLE.has(error.code)));
