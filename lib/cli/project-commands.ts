import {
  getProjectMaintenance,
  listProjectMaintenance,
  type ProjectInstance,
  type ProjectSession,
} from "../client/projects.ts";
import { collect } from "../client/request.ts";
import { askedLines } from "./asks.ts";
import type { Command, Context } from "./command.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Column, clean, formatOf, printRows } from "./output.ts";
import { projectOf, sessionOf } from "./project-session.ts";
import { showTime } from "./times.ts";

const countsText = ({ instances_by_state }: ProjectSession): string =>
  Object.entries(instances_by_state)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");

const sessionColumns: readonly Column<ProjectSession>[] = [
  { name: "session_id", of: ({ session_id }) => session_id },
  { name: "state", of: ({ state }) => state },
  ...(["reply_at", "maintenance_at", "ends_at"] as const).map((name) => ({
    name,
    of: (session: ProjectSession) => session[name],
    show: (session: ProjectSession) => showTime(session[name]),
  })),
  { name: "instances", of: ({ instances_by_state }) => instances_by_state, show: countsText },
];

const instanceColumns: readonly Column<ProjectInstance>[] = [
  { name: "instance", of: ({ instance_id }) => instance_id },
  { name: "name", of: ({ instance_name }) => instance_name },
  { name: "state", of: ({ state }) => state },
  { name: "action", of: ({ action }) => action },
  ...(["started_at", "finished_at"] as const).map((name) => ({
    name,
    of: (instance: ProjectInstance) => instance[name],
    show: (instance: ProjectInstance) => showTime(instance[name]),
  })),
  { name: "host_id", of: ({ hostId }) => hostId, show: ({ hostId }) => hostId.slice(0, 12) },
];

const showSession = async (context: Context, id: string, project: string): Promise<void> => {
  const { values, terminal, connect } = context;
  const view = await getProjectMaintenance(await connect(), id, project);
  const whole = values.list("column").length === 0;
  if (whole && formatOf(values) === "json") {
    terminal.out(JSON.stringify(view, null, 2));
    return;
  }
  if (whole && formatOf(values) === "table")
    for (const line of [...askedLines(view, terminal.now()), ""]) terminal.out(clean(line));
  printRows(terminal, values, instanceColumns, view.instances);
};

const status = async (context: Context): Promise<number> => {
  const { values, terminal, args } = context;
  formatOf(values);
  const [session, extra] = args;
  if (extra !== undefined) throw new UsageError(`"lull project status" has no use for "${extra}"`);
  const api = await context.connect();
  const project = await projectOf(api, context);
  if (session === undefined)
    printRows(
      terminal,
      values,
      sessionColumns,
      await collect(listProjectMaintenance(api, project)),
    );
  else await showSession(context, await sessionOf(api, project, session), project);
  return EXIT.done;
};

export const projectCommands: readonly Command[] = [
  {
    name: "project status",
    summary: "List the sessions that concern your project, or what one asks of it",
    args: [],
    rest: "[SESSION]",
    options: ["project", "format", "column"],
    notes: `For members of a project: it needs no role but a token of the project. REPLY_AT is by when your project
should answer; empty where nothing waits for it. Of one session it shows what is asked and until when,
what was answered, the one command to type, and your instances. HOST_ID is what Nova calls
the host that the instance has to leave: hostId in "openstack server show".`,
    examples: [
      "project status",
      "project status 7f3c",
      "project status 7f3c -f value -c instance,state",
      "project status 7f3c -f json",
    ],
    run: status,
  },
];
