import type { Command } from "./command.ts";
import { GLOBAL_OPTIONS, OPTIONS, type OptionName } from "./options.ts";
import { alignedLines } from "./output.ts";

const EXIT_CODES = `Exit codes
  0    done
  1    failed
  2    the command line is wrong
  3    blocked by pre-flight, which is part of the session: nothing was changed
  4    partial: some hosts were maintained, some were not, or will not be; or orphans were found
  130  interrupted; a session goes on without you`;

const indented = (rows: readonly (readonly string[])[]) =>
  alignedLines(rows)
    .map((line) => `  ${line}`)
    .join("\n");

const optionRow = (name: OptionName): readonly string[] => {
  const option: { short?: string; value?: string; help: string } = OPTIONS[name];
  const short = option.short ? `-${option.short}, ` : "    ";
  return [`${short}--${name}${option.value ? ` ${option.value}` : ""}`, option.help];
};

const section = (title: string, body: string) => `${title}\n${body}`;

const usageOf = ({ name, args, rest }: Command): string =>
  [name, ...args, ...(rest === undefined ? [] : [rest])].join(" ");

/** What there is, or what there is in one group. */
export const overview = (commands: readonly Command[]): string =>
  [
    "lull: planned host maintenance for OpenStack",
    section("Commands", indented(commands.map((command) => [usageOf(command), command.summary]))),
    section("Options of every command", indented(GLOBAL_OPTIONS.map(optionRow))),
    EXIT_CODES,
    'More about a command: "lull COMMAND --help"',
  ].join("\n\n");

export const commandHelp = (command: Command): string => {
  const { summary, options, notes, examples } = command;
  return [
    `lull ${usageOf(command)} [options]`,
    `${summary}.${notes ? `\n\n${notes}` : ""}`,
    ...(options.length > 0 ? [section("Options", indented(options.map(optionRow)))] : []),
    section("Options of every command", indented(GLOBAL_OPTIONS.map(optionRow))),
    section("Examples", examples.map((example) => `  lull ${example}`).join("\n")),
    EXIT_CODES,
  ].join("\n\n");
};
