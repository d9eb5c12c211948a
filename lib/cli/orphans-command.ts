import { findOrphans } from "../orphans/find.ts";
import type { Orphan } from "../orphans/orphan.ts";
import { openstackFor } from "../orphans/shell.ts";
import type { Command, Context } from "./command.ts";
import { cloudOf } from "./connect.ts";
import { EXIT } from "./exit.ts";
import { type Column, clean, formatOf, printRows } from "./output.ts";
import { showTime } from "./times.ts";

const columns: readonly Column<Orphan>[] = (
  [
    "kind",
    "host",
    "instance_id",
    "session_id",
    "since",
    "message",
    "command",
    "alternative",
  ] as const
).map((name) => ({ name, of: (orphan) => orphan[name] }));

const linesOf = ({ kind, host, since, message, command, alternative }: Orphan): string[] => [
  `${host ?? "-"} ${kind}: ${message}${since ? ` (since ${showTime(since)})` : ""}`,
  `    ${command}`,
  ...(alternative ? [`    or: ${alternative}`] : []),
];

const orphans = async ({ values, terminal }: Context): Promise<number> => {
  const format = formatOf(values);
  const { env } = terminal;
  const cloud = await cloudOf(values, terminal);
  const engineUser = values.text("engine-user") ?? (await cloud.whoami()).user.id;
  const look = { cloud, engineUser, openstack: openstackFor(values.text("os-cloud")) };
  const found = await findOrphans(look, {
    alertmanagerUrl: env["LULL_ALERTMANAGER_URL"] || undefined,
    masakari: /^(1|true|yes|on)$/i.test(env["LULL_MASAKARI"] ?? ""),
  });
  if (format === "table" && values.list("column").length === 0)
    for (const orphan of found.orphans)
      for (const line of linesOf(orphan)) terminal.out(clean(line));
  else printRows(terminal, values, columns, found.orphans);
  for (const what of found.unseen) terminal.err(clean(`could not look at ${what}`));
  if (found.orphans.length > 0) return EXIT.partial;
  if (found.unseen.length > 0) return EXIT.failed;
  if (format === "table") terminal.err("nothing of Lull's is left in this cloud");
  return EXIT.done;
};

export const orphansCommand: Command = {
  name: "orphans",
  summary: "Find what Lull has left in the cloud, and print what puts it right",
  args: [],
  options: ["engine-user", "format", "column"],
  notes: `Asks the cloud alone, as the user of your clouds.yaml: Lull need not run. It lists hosts that carry the
mark "lull:SESSION" in the reason of their disabled nova-compute, and on those: migrations that have
not ended, cold moves that nobody has confirmed, allocations in Placement that nothing explains,
instances that were stopped for the work. Moves and stops count when the engine's user asked for
them: that is you, unless --engine-user names another. With LULL_ALERTMANAGER_URL it also lists
silences, with LULL_MASAKARI=true hosts that Masakari leaves alone.

While Lull runs, hosts in work are listed, too: read "lull maintenance list" before you act.
Exit code 4 when something was found, 0 when nothing was, 1 when not everything could be looked at.`,
  examples: [
    "orphans",
    "orphans --engine-user 5f2a0c",
    "orphans -f json",
    "orphans -f value -c command",
  ],
  run: orphans,
};
