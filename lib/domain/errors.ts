/** A rule of the domain was broken. `name` is what ASL Catch and the HTTP layer match on. */
class DomainError extends Error {
  override readonly name: string = "DomainError";
}

/** The caller named something that is not there, or that is not the caller's to see. */
export class NotFoundError extends DomainError {
  override readonly name = "NotFoundError";
}

/** Somebody else changed the thing first, or holds it. */
export class ConflictError extends DomainError {
  override readonly name = "ConflictError";
}

/** What the caller wants to change is no longer what the caller has seen; 412. */
export class PreconditionError extends DomainError {
  override readonly name = "PreconditionError";
}

/** One finding about an input or a cloud, as the API reports it (RFC 9457 extension `errors`). */
export type Finding = {
  /** Where: a field path of the body, or `host`, or `host/instance`. */
  readonly path: string;
  /** A literal that programs may match on. */
  readonly code: string;
  /** What is wrong and what to do. */
  readonly message: string;
};

/** An error that names each thing that is wrong. */
export class FindingsError extends DomainError {
  readonly findings: readonly Finding[];
  constructor(message: string, findings: readonly Finding[] = []) {
    super(message);
    this.findings = findings;
  }
}

/** As much of it is under way as may be at a time; 429. */
export class TooManyError extends DomainError {
  override readonly name = "TooManyError";
  /** How long it is of no use to ask again. */
  readonly retryAfterSeconds: number;
  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request cannot be read: no JSON, or not of the shape that the API takes; 400. */
export class MalformedError extends FindingsError {
  override readonly name = "MalformedError";
}

/** The request can be read but asks for something impossible; 422. */
export class InvalidError extends FindingsError {
  override readonly name = "InvalidError";
}

/** The cloud or the inventory is in the way of what the request asks for; 422. */
export class BlockedError extends FindingsError {
  override readonly name = "BlockedError";
}

/** No valid token came with the request; 401. */
export class UnauthorizedError extends DomainError {
  override readonly name = "UnauthorizedError";
}

/** The token is valid and not enough; 403. */
export class ForbiddenError extends DomainError {
  override readonly name = "ForbiddenError";
}

/**
 * Another generation of this run has taken over: whoever gets this must stop at once and touch
 * nothing more.
 */
export class SupersededError extends DomainError {
  override readonly name = "SupersededError";
}

/** The cloud is frozen: nothing may be done to it until an admin thaws it. */
export class FrozenError extends DomainError {
  override readonly name = "FrozenError";
}

/** It could not be found out now and may be found out later; the name ASL `Retry` matches on. */
export class TransientError extends Error {
  override readonly name = "TransientError";
}
