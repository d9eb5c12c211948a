import {
  listProjectInstances,
  listProjectMaintenance,
  ownProject,
  type ProjectInstance,
  type ProjectSession,
} from "../client/projects.ts";
import { type Api, collect } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Column, formatOf, printRows } from "./output.ts";
import { idAmong, isWholeId } from "./session-id.ts";
import { showTime } from "./times.ts";

const countsText = ({ instances_by_state }: ProjectSession): string =>
  Object.entries(instances_by_state)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");

const sessionColumns: readonly Column<ProjectSession>[] = [
  { name: "session_id", of: ({ session_id }) => session_id },
  { name: "state", of: ({ state }) => state },
  ...(["maintenance_at", "ends_at"] as const).map((name) => ({
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

const projectOf = async (api: Api, { values }: Context): Promise<string> => {
  const project = values.text("project") ?? (await ownProject(api));
  if (project !== undefined) return project;
  throw new UsageError("you may see every project: say which, --project ID");
};

const sessionOf = async (api: Api, project: string, text: string): Promise<string> =>
  isWholeId(text) ? text.toLowerCase() : idAmong(listProjectMaintenance(api, project), text);

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
  else {
    const id = await sessionOf(api, project, session);
    const instances = await collect(listProjectInstances(api, id, project));
    printRows(terminal, values, instanceColumns, instances);
  }
  return EXIT.done;
};

export const projectCommands: readonly Command[] = [
  {
    name: "project status",
    summary: "List the sessions that concern your project, or its instances in one",
    args: [],
    rest: "[SESSION]",
    options: ["project", "format", "column"],
    notes: `For members of a project: it needs no role but a token of the project. HOST_ID is what Nova calls
the host that the instance has to leave: hostId in "openstack server show".`,
    examples: [
      "project status",
      "project status 7f3c",
      "project status 7f3c -f value -c instance,state",
      "project status -f json",
    ],
    run: status,
  },
];
