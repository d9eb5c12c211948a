import packageJson from "../../package.json" with { type: "json" };
import { ApiError, ApiUnreachableError } from "../client/errors.ts";
import type { Context } from "./command.ts";
import { checkArguments, commandsUnder, findCommand } from "./commands.ts";
import { connect } from "./connect.ts";
import { EXIT, ExitError, UsageError } from "./exit.ts";
import { commandHelp, overview } from "./help.ts";
import { checkOptions, parseCommandLine } from "./options.ts";
import { clean } from "./output.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Of one command, of one group, or of all. */
const helpFor = (words: readonly string[]): string => {
  const topic = words[0] === "help" ? words.slice(1) : words;
  for (let length = topic.length; length > 0; length--) {
    const under = commandsUnder(topic.slice(0, length));
    const [only] = under.filter(({ name }) => name === topic.slice(0, length).join(" "));
    if (only) return commandHelp(only);
    if (under.length > 0) return overview(under);
  }
  return overview(commandsUnder([]));
};

const runCommand = async (argv: readonly string[], terminal: Terminal): Promise<number> => {
  const { words, values } = parseCommandLine(argv);
  if (values.flag("version")) {
    terminal.out(`lull ${packageJson.version}`);
    return EXIT.done;
  }
  if (values.flag("help") || words[0] === "help") {
    terminal.out(helpFor(words));
    return EXIT.done;
  }
  if (words.length === 0) {
    terminal.err(helpFor([]));
    return EXIT.usage;
  }
  const found = findCommand(words);
  checkOptions(values, found.command.name, found.command.options);
  checkArguments(found);
  let hint = "";
  const context: Context = {
    values,
    args: found.args,
    terminal,
    connect: async () => {
      const connection = await connect(values, terminal);
      hint = connection.hint;
      return connection.api;
    },
  };
  try {
    return await found.command.run(context);
  } catch (error) {
    const code = reportError(error, terminal, argv);
    if (error instanceof ApiUnreachableError) terminal.err(hint);
    return code;
  }
};

const HINTS: Readonly<Record<number, string>> = {
  401: "Keystone's token was not accepted: check LULL_TOKEN where it is set, else --os-cloud, OS_CLOUD or OS_*",
  403: "your role is not enough for this",
};

const apiErrorLines = ({ message, status, code, findings }: ApiError): string[] => [
  `error: ${message} (${code}, HTTP ${status})`,
  ...findings.map((finding) => `  ${finding.path}: ${finding.message} [${finding.code}]`),
  ...(HINTS[status] ? [HINTS[status]] : []),
];

const exitCodeFor = (error: unknown): number => {
  if (error instanceof UsageError) return EXIT.usage;
  // 400: a value that only the API could tell to be wrong.
  if (error instanceof ApiError && error.status === 400) return EXIT.usage;
  if (error instanceof ExitError) return error.exitCode;
  // 422: the request was understood, and the inventory or the cloud stands against it.
  return error instanceof ApiError && error.status === 422 ? EXIT.blocked : EXIT.failed;
};

/** Where more is told: by the help of the command that was meant, of its group, or of all. */
const helpHint = (argv: readonly string[]): string => {
  const option = argv.findIndex((word) => word.startsWith("-"));
  const words = option < 0 ? argv : argv.slice(0, option);
  for (let length = words.length; length > 0; length--) {
    const meant = words.slice(0, length);
    if (commandsUnder(meant).length > 0) return `"lull ${meant.join(" ")} --help" tells more.`;
  }
  return '"lull --help" shows the commands.';
};

const reportError = (error: unknown, { err }: Terminal, argv: readonly string[]): number => {
  if (error instanceof ApiError) for (const line of apiErrorLines(error)) err(clean(line));
  else if (error instanceof Error)
    for (const line of error.message.split("\n")) err(`error: ${clean(line)}`);
  else err(`error: ${clean(String(error))}`);
  if (error instanceof UsageError) err(helpHint(argv));
  return exitCodeFor(error);
};

/**
 * The `lull` command.
 *
 * @param argv without node and script
 * @returns the exit code
 */
export const run = async (
  argv: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> => {
  try {
    return await runCommand(argv, terminal);
  } catch (error) {
    return reportError(error, terminal, argv);
  }
};
