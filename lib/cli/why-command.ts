import type { Api } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type Explained, explained, explainedLines } from "./explain.ts";
import type { Values } from "./options.ts";
import { clean, formatOf } from "./output.ts";
import { commandOf, holdsOn, type Known, nextOf, whatIsKnown } from "./why.ts";
import { standingText } from "./why-text.ts";

const asJson = (known: Known): object => ({
  kind: known.instance ? "instance" : "host",
  session_id: known.detail?.session_id ?? null,
  host: known.host,
  run: known.run,
  instance: known.instance,
  holds: holdsOn(known),
  next: nextOf(known),
  command: commandOf(known),
});

/** A host that no session has may still carry the mark of one that is gone. */
const leftover = ({ detail, host }: Known): boolean =>
  detail === null && (host?.service.disabled_reason?.startsWith("lull:") ?? false);

/** Of an instance only its own. */
const effectsOn = async (
  api: Api,
  values: Values,
  { detail, run, instance }: Known,
): Promise<readonly Explained[]> => {
  if (detail === null || run === null) return [];
  const all = await explained(api, values, detail, [run]);
  return instance === null
    ? all
    : all.filter(({ effect }) => effect.includes(instance.instance_id));
};

const why = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  const format = formatOf(values);
  const [name = ""] = args;
  const api = await connect();
  const known = await whatIsKnown(api, name);
  if (known === null) {
    terminal.err(
      clean(
        `Lull knows nothing of ${name}: the inventory has no such host, and the newest sessions neither host nor instance`,
      ),
    );
    return EXIT.failed;
  }
  const effects = values.flag("explain") ? await effectsOn(api, values, known) : undefined;
  if (format === "json") {
    terminal.out(JSON.stringify({ ...asJson(known), ...(effects && { effects }) }, null, 2));
    return EXIT.done;
  }
  const command = leftover(known) ? "lull orphans" : commandOf(known);
  const lines = [
    ...standingText(known, terminal.now()),
    `next: ${nextOf(known)}`,
    `do: ${command ?? "nothing to type"}`,
    ...explainedLines(effects ?? []),
  ];
  for (const line of lines) terminal.out(clean(line));
  return EXIT.done;
};

export const whyCommand: Command = {
  name: "why",
  summary: "Tell what Lull knows of a host or an instance, and what holds it",
  args: ["HOST|INSTANCE"],
  options: ["explain", "format"],
  notes: `Where it stands, which rule holds it and since when, what Nova said when it refused, what happens by
itself next, and the one command to type. An instance is named by id, the first 8 letters of it, or
name. The newest 20 sessions are looked into. Exit code 1 when Lull knows nothing of it.`,
  examples: ["why cmp-01", "why web-3 --explain", "why cmp-01 -f json"],
  run: why,
};
