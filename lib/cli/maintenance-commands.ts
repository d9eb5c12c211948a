import {
  deleteMaintenance,
  getMaintenanceDetail,
  listMaintenance,
  listMaintenanceEvents,
  type SessionDetail,
  type SessionSummary,
} from "../client/maintenance.ts";
import { collect } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { dialogueText } from "./dialogue-rules.ts";
import { EXIT } from "./exit.ts";
import { explained, explainedLines } from "./explain.ts";
import { createCommand } from "./maintenance-create.ts";
import { type Column, formatOf, printFields, printRows, tableLines } from "./output.ts";
import { planCommand } from "./plan-command.ts";
import { resolveSessionId } from "./session-id.ts";
import { isOver, movedOf, phaseOf } from "./session-text.ts";
import { showTime } from "./times.ts";
import { nextText, ruleText, waitsOf } from "./waits.ts";
import { intervalOf, watchSession } from "./watch.ts";
import { topLines } from "./watch-view.ts";

const listColumns: readonly Column<SessionSummary>[] = [
  { name: "session_id", of: ({ session_id }) => session_id },
  { name: "state", of: ({ state }) => state },
  { name: "control", of: ({ control }) => control },
  { name: "result", of: ({ result }) => result },
  {
    name: "percent_done",
    of: ({ percent_done }) => percent_done,
    show: ({ percent_done }) => `${percent_done}%`,
  },
  { name: "hosts", of: ({ hosts }) => hosts },
  {
    name: "maintenance_at",
    of: ({ maintenance_at }) => maintenance_at,
    show: ({ maintenance_at }) => showTime(maintenance_at),
  },
  { name: "reason", of: ({ reason }) => reason },
];

const showColumns: readonly Column<SessionDetail>[] = [
  { name: "session_id", of: ({ session_id }) => session_id },
  { name: "state", of: ({ session }) => session.state },
  { name: "control", of: ({ control }) => control },
  { name: "result", of: ({ result }) => result },
  {
    name: "percent_done",
    of: ({ percent_done }) => percent_done,
    show: ({ percent_done }) => `${percent_done}%`,
  },
  { name: "reason", of: ({ session }) => session.reason },
  { name: "profile", of: ({ session }) => session.profile },
  { name: "workflow", of: ({ session }) => session.workflow },
  {
    name: "dialogue",
    of: ({ session }) => session.dialogue,
    show: ({ session }) => dialogueText(session.dialogue ?? {}),
  },
  { name: "emergency", of: ({ session }) => session.emergency },
  ...(["maintenance_at", "ends_at", "created_at", "updated_at"] as const).map((name) => ({
    name,
    of: ({ session }: SessionDetail) => session[name],
    show: ({ session }: SessionDetail) => showTime(session[name]),
  })),
];

const hostColumns: readonly Column<SessionDetail["hosts"][number]>[] = [
  { name: "host", of: ({ hostname }) => hostname },
  { name: "phase", of: phaseOf },
  { name: "moved", of: movedOf },
  {
    name: "started_at",
    of: ({ started_at }) => started_at,
    show: (run) => showTime(run.started_at),
  },
  {
    name: "finished_at",
    of: ({ finished_at }) => finished_at,
    show: (run) => showTime(run.finished_at),
  },
  { name: "details", of: ({ details }) => details },
];

const instanceColumns: readonly Column<SessionDetail["instances"][number]>[] = [
  { name: "instance", of: ({ instance_id }) => instance_id },
  { name: "name", of: ({ instance_name }) => instance_name },
  { name: "state", of: ({ state }) => state },
  { name: "from", of: ({ host }) => host },
  { name: "to", of: ({ destination_host }) => destination_host },
  { name: "details", of: ({ details }) => details },
];

const list = async ({ values, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  const api = await connect();
  printRows(terminal, values, listColumns, await collect(listMaintenance(api)));
  return EXIT.done;
};

const printTable = <Row>(
  { out }: Context["terminal"],
  columns: readonly Column<Row>[],
  rows: readonly Row[],
) => {
  if (rows.length === 0) return;
  out("");
  for (const line of tableLines(columns, rows)) out(line);
};

/** How it stands and what waits, a line each, for people and grep. */
const standingLines = (detail: SessionDetail, now: number): string[] => [
  ...topLines({ detail, readAt: now, now }),
  ...waitsOf(detail).map((wait) => `! ${ruleText(wait, now)}  ${nextText(wait)}`),
  "",
];

const show = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  const format = formatOf(values);
  const api = await connect();
  const id = await resolveSessionId(api, args[0] ?? "");
  const detail = await getMaintenanceDetail(api, id);
  if (format === "table" && !values.list("column").length)
    for (const line of standingLines(detail, terminal.now())) terminal.out(line);
  printFields(terminal, values, showColumns, detail);
  if (format !== "table" || values.list("column").length > 0) return EXIT.done;
  printTable(terminal, hostColumns, detail.hosts);
  printTable(terminal, instanceColumns, detail.instances);
  if (values.flag("explain")) {
    terminal.out("");
    for (const line of explainedLines(await explained(api, values, detail, detail.hosts)))
      terminal.out(line);
  }
  if (!values.flag("events")) return EXIT.done;
  terminal.out("");
  for await (const { sequence, at, type, detail } of listMaintenanceEvents(api, id))
    terminal.out(`${sequence}  ${showTime(at)}  ${type}  ${JSON.stringify(detail)}`);
  return EXIT.done;
};

const watch = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  const interval = intervalOf(values);
  const api = await connect();
  return watchSession(api, terminal, await resolveSessionId(api, args[0] ?? ""), interval);
};

const remove = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  const api = await connect();
  const id = await resolveSessionId(api, args[0] ?? "");
  const detail = await getMaintenanceDetail(api, id);
  if (isOver(detail)) {
    await confirm(terminal, values, `Hide session ${id}, which is over?`);
    await deleteMaintenance(api, id);
    terminal.err(`session ${id} is no longer listed`);
    return EXIT.done;
  }
  await confirm(
    terminal,
    values,
    `Abort session ${id}, ${detail.session.state} at ${detail.percent_done}%?`,
  );
  await deleteMaintenance(api, id);
  terminal.err(
    `session ${id} is being aborted: hosts whose work has not begun are put back as they were; instances that have moved stay where they are; on a host in work what runs there ends, then it stays out of service until you release it. Watch it: lull maintenance watch ${id}`,
  );
  return EXIT.done;
};

export const maintenanceCommands: readonly Command[] = [
  createCommand,
  planCommand,
  {
    name: "maintenance list",
    summary: "List maintenance sessions",
    args: [],
    options: ["format", "column"],
    examples: ["maintenance list", "maintenance list -f value -c session_id"],
    run: list,
  },
  {
    name: "maintenance show",
    summary: "Show a session, its hosts and its instances",
    args: ["SESSION"],
    options: ["events", "explain", "format", "column"],
    notes: "SESSION is an id, or enough of its beginning to be the only one.",
    examples: [
      "maintenance show 7f3c",
      "maintenance show 7f3c --explain",
      "maintenance show 7f3c -f value -c state",
    ],
    run: show,
  },
  {
    name: "maintenance watch",
    summary: "Follow a session until it is over",
    args: ["SESSION"],
    options: ["interval"],
    notes: `On a screen the session is drawn in place, what needs a person on top; in a pipe each change is a
line. Ctrl-C ends the watching, never the session. The exit code tells how the session ended.`,
    examples: ["maintenance watch 7f3c", "maintenance watch 7f3c | tee session.log"],
    run: watch,
  },
  {
    name: "maintenance delete",
    summary: "Abort a running session, or hide one that is over",
    args: ["SESSION"],
    options: ["yes"],
    notes: `Hosts whose work has not begun are put back as they were. A host in work finishes, is verified and
put back, or is left out of service where that fails. Instances are not moved back.`,
    examples: ["maintenance delete 7f3c", "maintenance delete 7f3c --yes"],
    run: remove,
  },
];
