import { NotFoundError } from "../domain/errors.ts";
import type { HostRun } from "../domain/host-run.ts";
import type { Move } from "../domain/move.ts";
import {
  concernedBy,
  newestMoves,
  openAsksOf,
  projectHostOf,
  projectInstanceOf,
  projectSummaryOf,
} from "../domain/project-view.ts";
import { isClosed, type Session } from "../domain/session.ts";
import { hostIdOf } from "../openstack/compute/host-id.ts";
import { askStore } from "../store/asks.ts";
import { decodeCursor, encodeCursor } from "../store/cursor.ts";
import { hostRunStore } from "../store/host-runs.ts";
import { moveStore } from "../store/moves.ts";
import { sessionProjectStore } from "../store/session-projects.ts";
import { sessionStore } from "../store/sessions.ts";
import type { Table } from "../store/table.ts";

/** So many of a project's newest sessions are searched for a host: more are never open at once. */
const MOST_SESSIONS = 100;

type Page = { readonly limit: number; readonly cursor: string | null };

/**
 * What a project may see of the sessions that concern it, read without looking at what others have
 * in them. Whoever calls this has made sure that the caller may see the project.
 */
export const projectViews = (table: Table) => {
  const sessions = sessionStore(table);
  const sessionProjects = sessionProjectStore(table);
  const asks = askStore(table);
  const moves = moveStore(table);
  const hostRuns = hostRunStore(table);

  const page = async (projectId: string, { limit, cursor }: Page) => {
    const listed = await sessionProjects.list(projectId, limit, cursor);
    const ids = listed.projects.map(({ session_id }) => session_id);
    const found = await sessions.findAll(ids);
    return { found: ids.flatMap((id) => found.get(id) ?? []), cursor: listed.cursor };
  };

  const hostsOf = async (session: Session, projectId: string) => {
    const own = await moves.listByProject(session.session_id, projectId);
    return [...Map.groupBy(own, ({ host }) => host)].map(([host, left]) => ({
      session,
      host,
      left,
    }));
  };

  return {
    /** Sessions that concern the project, the newest first; those that were hidden are left out. */
    async list(projectId: string, wanted: Page) {
      const { found, cursor } = await page(projectId, wanted);
      const shown = found.filter((session) => session.hidden_at === null || !isClosed(session));
      const maintenance = await Promise.all(
        shown.map(async (session) =>
          projectSummaryOf(
            session,
            projectId,
            await moves.listByProject(session.session_id, projectId),
            await asks.listByProject(session.session_id, projectId),
          ),
        ),
      );
      return { project_id: projectId, maintenance, next_cursor: cursor };
    },

    /**
     * The project's view of one session. `instance_ids` are as Fenix has them; `instances` are
     * those that have left a host or have to, in pages.
     *
     * @throws NotFoundError when it does not concern the project; whether it exists is not told
     */
    async session(sessionId: string, projectId: string, { limit, cursor }: Page) {
      const [after = ""] = cursor === null ? [] : decodeCursor(cursor, /^[\w-]{1,64}$/);
      const concerned = await sessionProjects.get(sessionId, projectId);
      if (concerned === null) throw new NotFoundError("no such session concerns the project");
      const [session, own, asked] = await Promise.all([
        sessions.get(sessionId),
        moves.listByProject(sessionId, projectId),
        asks.listByProject(sessionId, projectId),
      ]);
      const all = newestMoves(own);
      const seen = [...concerned.instance_ids, ...all.map(({ instance_id }) => instance_id)];
      const rest = all.filter(({ instance_id }) => instance_id > after);
      const shown = rest.slice(0, limit);
      const last = rest.length > limit ? shown.at(-1) : undefined;
      return {
        ...projectSummaryOf(session, projectId, own, asked),
        project_id: projectId,
        instance_ids: concernedBy(asked, seen),
        asks: openAsksOf(asked),
        instances: shown.map((move) => projectInstanceOf(session, move, ofProject(projectId))),
        next_cursor: last === undefined ? null : encodeCursor(last.instance_id),
      };
    },

    /**
     * What happens to the host that Nova calls so to the project. Only hosts of sessions that are
     * open and concern it are tried, all of them for any answer: what is foreign and what does not
     * exist look alike, and take as long.
     *
     * @throws NotFoundError when it is none of these
     */
    async host(projectId: string, hostId: string) {
      const { found } = await page(projectId, { limit: MOST_SESSIONS, cursor: null });
      const open = found.filter((session) => !isClosed(session));
      const hosts = (await Promise.all(open.map((session) => hostsOf(session, projectId)))).flat();
      const named = hosts.filter(({ host }) => hostIdOf(projectId, host) === hostId);
      const seen = await Promise.all(
        named.map(async (one) => ({
          ...one,
          run: await hostRuns.get(one.session.session_id, one.host),
        })),
      );
      const [current] = seen.toSorted((a, b) => rank(b) - rank(a));
      if (current === undefined) throw new NotFoundError("nothing happens to a host of that id");
      const { session, run, left } = current;
      return projectHostOf(session, run, left, ofProject(projectId));
    },
  };
};

const ofProject = (projectId: string) => (host: string) => hostIdOf(projectId, host);

type Seen = { readonly run: HostRun; readonly left: readonly Move[] };

/** A host has one owner at a time: where it is at work comes first, else where it ended last. */
const rank = ({ run }: Seen): number =>
  run.phase === "FINISHED" ? Date.parse(run.phase_at) : Number.MAX_SAFE_INTEGER;
