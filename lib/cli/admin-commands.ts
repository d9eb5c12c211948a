import type { Command, Context } from "./command.ts";
import { tell } from "./control-commands.ts";
import { count } from "./counts.ts";
import { formatOf } from "./output.ts";
import { showTime } from "./times.ts";

// What knows the data folder is loaded when it is needed: no other command should wait for a database.
const dataFolder = async ({ values }: Context): Promise<string> => {
  const { defaultDataFolder } = await import("../../localstack/data-folder/default.ts");
  return values.text("data") ?? defaultDataFolder();
};

const showSize = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

const backup = async (context: Context): Promise<number> => {
  const { args, terminal, values } = context;
  formatOf(values);
  const { backUp } = await import("../../localstack/data-folder/backup.ts");
  const folder = await dataFolder(context);
  const made = backUp({ folder, file: args[0] ?? "", now: terminal.now() });
  const answer = {
    file: made.file,
    bytes: made.bytes,
    at: made.at,
    open_sessions: made.openSessions,
  };
  return tell(context, answer, [
    `${made.file} holds the state of ${folder} at ${showTime(made.at)}: ${showSize(made.bytes)}, ${count(made.openSessions, "open session")}, checked`,
  ]);
};

const restored = async (context: Context): Promise<number> => {
  const { args, terminal, values } = context;
  formatOf(values);
  const { restore } = await import("../../localstack/data-folder/restore.ts");
  const { folder, at, openSessions, putAside } = restore({
    folder: await dataFolder(context),
    file: args[0] ?? "",
    force: values.flag("force"),
    now: terminal.now(),
  });
  return tell(context, { folder, at, open_sessions: openSessions, put_aside: putAside }, [
    `${folder} holds the state of ${showTime(at)} again: ${count(openSessions, "open session")}`,
    ...(putAside === null ? [] : [`the database of before is ${putAside}`]),
    "the cloud is frozen: Lull begins nothing in it, because what it knows is older than the cloud",
    "next: start Lull, look with lull maintenance list, lull why and lull orphans, then lull thaw",
  ]);
};

export const adminCommands: readonly Command[] = [
  {
    name: "admin backup",
    summary: "Write all that Lull keeps into one new file",
    args: ["FILE"],
    options: ["data", "format"],
    notes: `It needs no credentials and works on this machine's data folder, as the user that Lull runs as, while
Lull runs or not. FILE holds one instant of what Lull knows: sessions, hosts, what is under way, what is
still to be told. It is checked, only its owner may read it, and an existing one is never overwritten.
Credentials are not in it: npm start writes secrets.json again from your clouds.yaml, with another key
for webhooks unless you keep a copy of it, and credentials.json anew.`,
    examples: [
      "admin backup /var/backups/lull-2026-03-01.sqlite",
      "admin backup lull.backup --data /srv/lull -f json",
    ],
    run: backup,
  },
  {
    name: "admin restore",
    summary: "Make the data folder what it was at a backup, with the cloud frozen",
    args: ["FILE"],
    options: ["data", "force", "format"],
    notes: `Lull must not run on the folder. Run it as the user that Lull runs as; it needs no credentials. FILE is
checked first. What is restored is older than the cloud: hosts may have been put back by hand since. So
the cloud is frozen in it, by "restore", and nothing is begun after the start until you have looked
(lull maintenance list, lull why, lull orphans), aborted what is no longer wanted, and type lull thaw.
When it is interrupted, the folder holds the database of before or the restored one, whole.`,
    examples: [
      "admin restore /var/backups/lull-2026-03-01.sqlite",
      "admin restore lull.backup --data /srv/lull --force",
    ],
    run: restored,
  },
];
