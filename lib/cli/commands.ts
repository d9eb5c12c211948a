import { adminCommands } from "./admin-commands.ts";
import type { Command } from "./command.ts";
import { constraintCommands } from "./constraint-commands.ts";
import { controlCommands } from "./control-commands.ts";
import { UsageError } from "./exit.ts";
import { freezeCommands } from "./freeze-commands.ts";
import { hostCommands } from "./host-commands.ts";
import { hostMaintenanceCommands } from "./host-maintenance-commands.ts";
import { maintenanceCommands } from "./maintenance-commands.ts";
import { orphansCommand } from "./orphans-command.ts";
import { projectCommands } from "./project-commands.ts";
import { replyCommands } from "./reply-commands.ts";
import { reportCommand } from "./report-command.ts";
import { subscriptionCommands } from "./subscription-commands.ts";
import { didYouMean } from "./suggest.ts";
import { whyCommand } from "./why-command.ts";

export const COMMANDS: readonly Command[] = [
  ...hostCommands,
  ...hostMaintenanceCommands,
  ...maintenanceCommands,
  ...controlCommands,
  ...freezeCommands,
  ...projectCommands,
  ...replyCommands,
  ...constraintCommands,
  ...subscriptionCommands,
  whyCommand,
  reportCommand,
  orphansCommand,
  ...adminCommands,
];

export type Found = { readonly command: Command; readonly args: readonly string[] };

/** The commands of which `words` is the beginning; all of them for no words. */
export const commandsUnder = (words: readonly string[]): readonly Command[] =>
  COMMANDS.filter(({ name }) => `${name} `.startsWith([...words, ""].join(" ")));

/**
 * The command of which the words begin with the name, the longest one.
 *
 * @throws UsageError when the words name no command
 */
export const findCommand = (words: readonly string[]): Found => {
  const named = COMMANDS.filter(({ name }) => `${words.join(" ")} `.startsWith(`${name} `));
  const [command] = named.toSorted((a, b) => b.name.length - a.name.length);
  if (command) return { command, args: words.slice(command.name.split(" ").length) };
  throw new UsageError(whyNone(words));
};

const whyNone = (words: readonly string[]): string => {
  const known = words.findIndex(
    (_, index) => commandsUnder(words.slice(0, index + 1)).length === 0,
  );
  const group = known < 0 ? words : words.slice(0, known);
  const next = [
    ...new Set(commandsUnder(group).map(({ name }) => name.split(" ")[group.length] ?? "")),
  ];
  const word = words[group.length];
  if (word === undefined) return `"lull ${group.join(" ")}" goes on with ${next.join(", ")}`;
  const meant = didYouMean(word, next);
  if (group.length === 0) return `there is no command ${word}${meant}`;
  return `there is no command "lull ${[...group, word].join(" ")}"${meant || `; there are ${next.join(", ")}`}`;
};

/** @throws UsageError */
export const checkArguments = ({ command, args }: Found): void => {
  const missing = command.args[args.length];
  if (missing !== undefined) throw new UsageError(`"lull ${command.name}" needs ${missing}`);
  const extra = command.rest === undefined ? args[command.args.length] : undefined;
  if (extra !== undefined) throw new UsageError(`"lull ${command.name}" has no use for "${extra}"`);
};
