/** One finding of a problem reply: where, which rule, in words. */
export type ApiFinding = {
  readonly path: string;
  readonly code: string;
  readonly message: string;
};

export type Problem = {
  readonly message: string;
  readonly status: number;
  readonly code: string;
  readonly findings: readonly ApiFinding[];
};

/** The API answered, and said no. `code` is what programs match on. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly findings: readonly ApiFinding[];

  constructor({ message, status, code, findings }: Problem, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.findings = findings;
  }
}

/** No answer came, or none that this API would give; whether the request had an effect is unknown. */
export class ApiUnreachableError extends Error {
  override readonly name = "ApiUnreachableError";
}
