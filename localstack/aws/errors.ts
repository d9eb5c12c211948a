/**
 * An error as an AWS service answers it. The server turns it into the JSON protocols' body:
 * `{"__type": "<namespace>#<name>", "message": "...", ...extra}` with the given HTTP status.
 */
export class AwsError extends Error {
  /** The exception's name without namespace, for example `ConditionalCheckFailedException`. */
  override readonly name: string;
  /** 400 for the caller's fault, 500 or 503 for the service's. */
  readonly status: number;
  /** Further members of the body, for example `CancellationReasons` or `Item`. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    name: string,
    message: string,
    options: { status?: number; extra?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.name = name;
    this.status = options.status ?? 400;
    this.extra = options.extra ?? {};
  }
}
