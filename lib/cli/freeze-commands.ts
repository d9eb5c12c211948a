import { type Freeze, freeze, getFreeze, thaw } from "../client/freeze.ts";
import { listMaintenance } from "../client/maintenance.ts";
import { type Api, collect } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { reasonFor, tell } from "./control-commands.ts";
import { count } from "./counts.ts";
import { EXIT } from "./exit.ts";
import { type Column, printFields } from "./output.ts";
import { showTime } from "./times.ts";

const columns: readonly Column<Freeze>[] = [
  { name: "frozen", of: ({ frozen }) => frozen },
  { name: "by", of: ({ by }) => by },
  { name: "at", of: ({ at }) => at, show: ({ at }) => showTime(at) },
  { name: "reason", of: ({ reason }) => reason },
];

const OVER = ["MAINTENANCE_DONE", "MAINTENANCE_FAILED"];

/** "2 sessions, 17 hosts" that are not over. */
const underWay = async (api: Api): Promise<string> => {
  const open = (await collect(listMaintenance(api))).filter(({ state }) => !OVER.includes(state));
  const hosts = open.reduce((sum, session) => sum + session.hosts, 0);
  return `${count(open.length, "session")}, ${count(hosts, "host")}`;
};

const frozen = async (context: Context): Promise<number> => {
  const reason = reasonFor(context, "freeze");
  const api = await context.connect();
  const answer = await freeze(api, reason);
  // The brake first: what it stops is only counted then.
  const stopped = await underWay(api);
  return tell(context, answer, [
    `the cloud is frozen: nothing is begun in it any more, neither a move nor a disable nor an enable (${stopped})`,
    "stays changed: every host that is out of service now; moves under way go on in Nova and are watched",
    "undo: lull thaw",
  ]);
};

const thawed = async (context: Context): Promise<number> => {
  const { values, terminal, connect } = context;
  const api = await connect();
  const before = await getFreeze(api);
  if (!before.frozen) return tell(context, before, ["the cloud was not frozen"]);
  await confirm(
    terminal,
    values,
    `Thaw the cloud, frozen by ${before.by} at ${showTime(before.at)} (${before.reason})? ${await underWay(api)} go on.`,
  );
  return tell(context, await thaw(api), [
    "the cloud is thawed: sessions go on",
    "undo: lull freeze --reason '...'",
  ]);
};

const status = async ({ values, terminal, connect }: Context): Promise<number> => {
  printFields(terminal, values, columns, await getFreeze(await connect()));
  return EXIT.done;
};

export const freezeCommands: readonly Command[] = [
  {
    name: "freeze",
    summary: "Stop every session of the cloud before its next step",
    args: [],
    options: ["reason", "format"],
    notes: `The freeze is kept until "lull thaw", over restarts, too. It acts at once and asks nothing. It works
while Keystone is down with the break-glass token in LULL_TOKEN.`,
    examples: ["freeze --reason 'storage outage'"],
    run: frozen,
  },
  {
    name: "thaw",
    summary: "Let the sessions of the cloud go on",
    args: [],
    options: ["yes", "format"],
    examples: ["thaw"],
    run: thawed,
  },
  {
    name: "freeze status",
    summary: "Tell whether the cloud is frozen, by whom and why",
    args: [],
    options: ["format", "column"],
    examples: ["freeze status", "freeze status -f value -c frozen"],
    run: status,
  },
];
