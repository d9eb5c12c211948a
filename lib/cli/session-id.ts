import { listMaintenance } from "../client/maintenance.ts";
import type { Api } from "../client/request.ts";
import { UsageError } from "./exit.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const isWholeId = (text: string): boolean => UUID.test(text);

/**
 * A session by its id or by how its id begins, as git does.
 *
 * @throws UsageError when no session begins so, or several do
 */
export const resolveSessionId = async (api: Api, text: string): Promise<string> =>
  isWholeId(text)
    ? text.toLowerCase()
    : idAmong(listMaintenance(api), text, '; see "lull maintenance list"');

/**
 * The one id that begins so.
 *
 * @param hint where to look when there is none
 * @throws UsageError when none does, or several do
 */
export const idAmong = async (
  sessions: AsyncIterable<{ readonly session_id: string }>,
  text: string,
  hint = "",
): Promise<string> => {
  const found: string[] = [];
  for await (const { session_id } of sessions)
    if (session_id.startsWith(text.toLowerCase())) found.push(session_id);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length === 0)
    throw new UsageError(`no session has an id that begins with "${text}"${hint}`);
  throw new UsageError(`"${text}" could be ${found.join(" or ")}: write more of the id`);
};
