import type { Command, Context } from "./command.ts";
import { EXIT } from "./exit.ts";
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

const why = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  const format = formatOf(values);
  const [name = ""] = args;
  const known = await whatIsKnown(await connect(), name);
  if (known === null) {
    terminal.err(
      clean(
        `Lull knows nothing of ${name}: the inventory has no such host, and the newest sessions neither host nor instance`,
      ),
    );
    return EXIT.failed;
  }
  if (format === "json") {
    terminal.out(JSON.stringify(asJson(known), null, 2));
    return EXIT.done;
  }
  const command = leftover(known) ? "lull orphans" : commandOf(known);
  const lines = [
    ...standingText(known, terminal.now()),
    `next: ${nextOf(known)}`,
    `do: ${command ?? "nothing to type"}`,
  ];
  for (const line of lines) terminal.out(clean(line));
  return EXIT.done;
};

export const whyCommand: Command = {
  name: "why",
  summary: "Tell what Lull knows of a host or an instance, and what holds it",
  args: ["HOST|INSTANCE"],
  options: ["format"],
  notes: `Where it stands, which rule holds it and since when, what Nova said when it refused, what happens by
itself next, and the one command to type. An instance is named by id, the first 8 letters of it, or
name. The newest 20 sessions are looked into. Exit code 1 when Lull knows nothing of it.`,
  examples: ["why cmp-01", "why web-3", "why cmp-01 -f json"],
  run: why,
};
