import type { Api } from "../client/request.ts";
import type { OptionName, Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What a command gets to work with. */
export type Context = {
  readonly values: Values;
  readonly args: readonly string[];
  readonly terminal: Terminal;
  /** Reads credentials, so it is called only by commands that need the API, after their own checks. */
  readonly connect: () => Promise<Api>;
};

export type Command = {
  /** E.g. "host list". */
  readonly name: string;
  readonly summary: string;
  /** Names of the positional arguments, all required. */
  readonly args: readonly string[];
  /** What may follow them, any number of times; absent = nothing. */
  readonly rest?: string;
  readonly options: readonly OptionName[];
  /** What the summary has no room for, ready to print. */
  readonly notes?: string;
  /** Without the leading "lull". */
  readonly examples: readonly string[];
  /** @returns the exit code */
  readonly run: (context: Context) => Promise<number>;
};
