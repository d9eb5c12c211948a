import { EXIT, ExitError, UsageError } from "./exit.ts";
import type { Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Goes on only with --yes or a yes.
 *
 * @throws UsageError when there is nobody to ask
 * @throws ExitError when the answer is no
 */
export const confirm = async (
  terminal: Terminal,
  values: Values,
  question: string,
): Promise<void> => {
  if (values.flag("yes")) return;
  const answer = await terminal.ask(`${question} [y/N] `);
  if (answer === undefined)
    throw new UsageError(`${question} There is nobody to ask: add --yes to go on`);
  if (!/^y(es)?$/i.test(answer.trim())) throw new ExitError("nothing was changed", EXIT.failed);
};
