import { listProjectMaintenance, ownProject } from "../client/projects.ts";
import type { Api } from "../client/request.ts";
import type { Context } from "./command.ts";
import { UsageError } from "./exit.ts";
import { idAmong, isWholeId } from "./session-id.ts";

/**
 * The project that is meant.
 *
 * @throws UsageError when the user may see every one and has named none
 */
export const projectOf = async (api: Api, { values }: Context): Promise<string> => {
  const project = values.text("project") ?? (await ownProject(api));
  if (project !== undefined) return project;
  throw new UsageError("you may see every project: say which, --project ID");
};

/** One of the project's sessions, by its id or how that begins. @throws UsageError */
export const sessionOf = async (api: Api, project: string, text: string): Promise<string> =>
  isWholeId(text) ? text.toLowerCase() : idAmong(listProjectMaintenance(api, project), text);
