import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type * as z from "zod";
import {
  BlockedError,
  ConflictError,
  type Finding,
  FindingsError,
  ForbiddenError,
  InvalidError,
  MalformedError,
  NotFoundError,
  PreconditionError,
  TooManyError,
  UnauthorizedError,
} from "../domain/errors.ts";
import { logger } from "./logger.ts";
import { isPassing } from "./passing.ts";

/** What a ZodError says, field by field. */
export const findingsOf = (error: z.ZodError): Finding[] =>
  error.issues.map(({ path, code, message }) => ({ path: path.join("."), code, message }));

type Problem = { readonly status: number; readonly code: string; readonly title: string };

const problemOf = (error: unknown): Problem => {
  if (error instanceof MalformedError)
    return { status: 400, code: "invalid", title: "The request cannot be read" };
  if (error instanceof UnauthorizedError)
    return { status: 401, code: "unauthorized", title: "No valid token" };
  if (error instanceof ForbiddenError)
    return { status: 403, code: "forbidden", title: "Not allowed" };
  if (error instanceof NotFoundError) return { status: 404, code: "not_found", title: "Not found" };
  if (error instanceof ConflictError) return { status: 409, code: "conflict", title: "Conflict" };
  if (error instanceof PreconditionError)
    return { status: 412, code: "precondition_failed", title: "It has changed since" };
  if (error instanceof InvalidError)
    return { status: 422, code: "invalid", title: "The request cannot be fulfilled" };
  if (error instanceof BlockedError)
    return { status: 422, code: "blocked", title: "Something is in the way" };
  if (error instanceof TooManyError)
    return { status: 429, code: "too_many", title: "Too many at a time" };
  if (isPassing(error)) return { status: 503, code: "unavailable", title: "Try again later" };
  return { status: 500, code: "internal", title: "Internal error" };
};

/** When asking again may be of use. */
const retryAfter = ({ status }: Problem, error: unknown): Record<string, string> => {
  if (error instanceof TooManyError) return { "retry-after": String(error.retryAfterSeconds) };
  return status === 503 ? { "retry-after": "5" } : {};
};

/**
 * An error as RFC 9457 problem details. What nobody foresaw is logged and told to nobody.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export const toProblem = (error: unknown): APIGatewayProxyStructuredResultV2 => {
  const problem = problemOf(error);
  const known = problem.status < 500 && error instanceof Error;
  if (!known) logger.error("request failed", { error });
  const errors = error instanceof FindingsError ? error.findings : [];
  return {
    statusCode: problem.status,
    headers: {
      "content-type": "application/problem+json",
      ...retryAfter(problem, error),
    },
    body: JSON.stringify({
      type: "about:blank",
      ...problem,
      detail: known ? error.message : problem.title,
      ...(errors.length > 0 && { errors }),
    }),
  };
};
