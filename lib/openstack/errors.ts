/** What a service said, kept for whoever reads the error at night. */
export type Refusal = {
  readonly message: string;
  readonly status: number;
  /** The service's own request id: the key to its log and, for Nova, to the instance action. */
  readonly requestId: string | null;
  /** The service's words, without its wrapping. */
  readonly detail: string;
};

/** A service refused, and would refuse again: 4xx (but 408, 429, and 413 with Retry-After), or a reply of another shape. */
export class OpenStackError extends Error {
  override readonly name = "OpenStackError";
  readonly status: number;
  readonly requestId: string | null;
  readonly detail: string;

  constructor({ message, status, requestId, detail }: Refusal) {
    super(message);
    this.status = status;
    this.requestId = requestId;
    this.detail = detail;
  }
}

export type Failure = {
  readonly message: string;
  /** null when there was no answer at all. */
  readonly status: number | null;
  readonly requestId: string | null;
  readonly detail: string;
  readonly sent: boolean;
  readonly retryAfterMs?: number | undefined;
};

/** 408, 429, 413 with Retry-After, 5xx, or no answer: the same call may well succeed later. */
export class TransientOpenStackError extends Error {
  override readonly name = "TransientOpenStackError";
  readonly status: number | null;
  readonly requestId: string | null;
  readonly detail: string;
  /**
   * Whether the request may have reached the service. `false` is certain: it had no effect.
   * `true` with a mutating call means that only the service can tell; ask before calling again.
   */
  readonly sent: boolean;
  /** How long the service asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor({ message, status, requestId, detail, sent, retryAfterMs }: Failure) {
    super(message);
    this.status = status;
    this.requestId = requestId;
    this.detail = detail;
    this.sent = sent;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The cloud is older than what the caller needs; `maximum` is the newest it speaks. */
export class MicroversionError extends Error {
  override readonly name = "MicroversionError";
  readonly service: string;
  readonly maximum: string;

  constructor(service: string, minimum: string, maximum: string) {
    super(
      `${service} speaks microversions up to ${maximum}, but at least ${minimum} is needed: upgrade ${service}`,
    );
    this.service = service;
    this.maximum = maximum;
  }
}

/** The catalog has no such service for the configured region and interface. */
export class MissingServiceError extends Error {
  override readonly name = "MissingServiceError";
  readonly service: string;

  constructor(service: string, message: string) {
    super(message);
    this.service = service;
  }
}

/** Keystone does not know this token: never issued, expired or revoked. */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";

  constructor() {
    super("Keystone does not accept this token: it is wrong, expired or revoked");
  }
}

/** The thing asked for is not there, or not for the eyes of this user. */
export const isNotFound = (error: unknown): error is OpenStackError =>
  error instanceof OpenStackError && error.status === 404;

/** The thing is in a state that forbids the call, for now. */
export const isConflict = (error: unknown): error is OpenStackError =>
  error instanceof OpenStackError && error.status === 409;
