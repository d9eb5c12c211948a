import type { Command } from "./command.ts";
import { UsageError } from "./exit.ts";
import { hostCommands } from "./host-commands.ts";
import { maintenanceCommands } from "./maintenance-commands.ts";
import { didYouMean } from "./suggest.ts";

export const COMMANDS: readonly Command[] = [...hostCommands, ...maintenanceCommands];

export type Found = { readonly command: Command; readonly args: readonly string[] };

/** The commands of which `words` is the beginning; all of them for no words. */
export const commandsUnder = (words: readonly string[]): readonly Command[] =>
  COMMANDS.filter(({ name }) => `${name} `.startsWith([...words, ""].join(" ")));

/** @throws UsageError when the words name no command, or not its arguments */
export const findCommand = (words: readonly string[]): Found => {
  const [group = "", verb] = words;
  const groups = new Set(COMMANDS.map(({ name }) => name.split(" ")[0] ?? ""));
  if (!groups.has(group))
    throw new UsageError(`there is no command ${group}${didYouMean(group, groups)}`);
  const verbs = commandsUnder([group]).map(({ name }) => name.slice(group.length + 1));
  if (verb === undefined) throw new UsageError(`"lull ${group}" goes on with ${verbs.join(", ")}`);
  const command = COMMANDS.find(({ name }) => name === `${group} ${verb}`);
  if (!command)
    throw new UsageError(
      `there is no command "lull ${group} ${verb}"${didYouMean(verb, verbs) || `; there are ${verbs.join(", ")}`}`,
    );
  return { command, args: words.slice(2) };
};

/** @throws UsageError */
export const checkArguments = ({ command, args }: Found): void => {
  const missing = command.args[args.length];
  if (missing !== undefined) throw new UsageError(`"lull ${command.name}" needs ${missing}`);
  const extra = args[command.args.length];
  if (extra !== undefined) throw new UsageError(`"lull ${command.name}" has no use for "${extra}"`);
};
