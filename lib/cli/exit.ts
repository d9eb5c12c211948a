/** Exit codes, fixed and documented in --help: scripts depend on them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  blocked: 3,
  partial: 4,
  interrupted: 130,
} as const;

/** The command line is wrong; the message says how it should look. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command ended with another code than failure; the message is for people. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
