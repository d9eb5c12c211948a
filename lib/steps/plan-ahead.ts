import { mostPerHost } from "../domain/constraints.ts";
import type { HostRun } from "../domain/host-run.ts";
import {
  type Durations,
  guessWork,
  learnMoves,
  learnWork,
  type SeenMove,
  seenMoves,
  seenWork,
} from "../domain/plan/durations.ts";
import { type Made, planBoth } from "../domain/plan/forecast.ts";
import { type Snapshot, type Standing, snapshotOf } from "../domain/plan/snapshot.ts";
import type { Session } from "../domain/session.ts";
import { readFleet, type SeenFleet } from "../fleet/snapshot.ts";
import type { ConstraintStore } from "../store/constraints.ts";
import type { Engine } from "./engine.ts";

/** What a plan is made from: nothing of it changes anything. */
export type Sources = Pick<
  Engine,
  "settings" | "sessions" | "constraints" | "hostRuns" | "moves" | "inventory" | "owners" | "cloud"
>;

/** The newest sessions, from which it is learned how long things take. */
const RECENT_SESSIONS = 20;
const MOVES_OF_EACH = 500;
const ENOUGH = 200;

/**
 * Plans what would happen if a session began now, or when it is to begin, or went on from where it is.
 * Nothing is changed anywhere.
 */
export const planAhead = async (sources: Sources, session: Session, now: string): Promise<Made> => {
  const { snapshot, durations, startsAt } = await readForPlan(sources, session, now);
  return planBoth(snapshot, { session, durations, startsAt });
};

/** What a session is planned from as the cloud is now; t = 0 is `startsAt`. */
export const readForPlan = async (
  sources: Sources,
  session: Session,
  now: string,
): Promise<ReadForPlan> => {
  const { settings } = sources;
  const runs = await sources.hostRuns.list(session.session_id);
  const seen = await look(sources, session, runs);
  const durations = await learn(sources, session, seen);
  const startsAt = session.maintenance_at > now ? session.maintenance_at : now;
  const standing = { runs, moves: await sources.moves.list(session.session_id) };
  const snapshot = await assemble(sources.constraints, session, seen, standing, {
    durations,
    slots: settings.LULL_HOST_MIGRATIONS,
    now: startsAt,
  });
  return { snapshot, runs, durations, startsAt };
};

type ReadForPlan = {
  readonly snapshot: Snapshot;
  /** The hosts of the session as they were when all this was read; none while it is not open. */
  readonly runs: readonly HostRun[];
  readonly durations: Durations;
  readonly startsAt: string;
};

const look = async (
  sources: Sources,
  { session_id, region, hosts }: Session,
  runs: readonly HostRun[],
): Promise<SeenFleet> => {
  const finished = new Set(
    runs.filter(({ phase }) => phase === "FINISHED").map(({ host }) => host),
  );
  const devices = [...(await sources.inventory.byName(region)).values()].filter(
    ({ gone }) => !gone,
  );
  return readFleet(await sources.cloud(), {
    devices,
    owners: await sources.owners.owners(devices.map(({ id }) => id)),
    sessionId: session_id,
    hosts: new Set(hosts.filter((host) => !finished.has(host))),
  });
};

const assemble = async (
  constraints: ConstraintStore,
  session: Session,
  { servers, fleetWith }: SeenFleet,
  standing: Standing,
  options: Parameters<typeof snapshotOf>[3],
): Promise<Snapshot> => {
  const ours = new Set(session.hosts);
  const leaving = servers.filter(({ host }) => ours.has(host ?? ""));
  const said = await saidOf(
    constraints,
    leaving.map(({ id }) => id),
  );
  return snapshotOf(session, fleetWith(said), standing, options);
};

/**
 * What owners have said of these instances and their groups, and of whatever else of their projects
 * is in a group that a host bears only so many of: it may be where they are to go.
 */
const saidOf = async ({ instances, groups }: ConstraintStore, ids: readonly string[]) => {
  const own = await instances.getMany(ids);
  const known = await groups.getMany([...own.values()].flatMap(({ group_id }) => group_id ?? []));
  const spread = [...known.values()].filter((group) => mostPerHost(group) > 0);
  const projects = [...new Set(spread.map(({ project_id }) => project_id))];
  const fellows = (await Promise.all(projects.map(instances.listAll))).flat();
  return {
    // The list is a moment behind; what was read by its key is not.
    instances: new Map([...fellows.map((row) => [row.instance_id, row] as const), ...own]),
    groups: known,
  };
};

/** What the newest sessions tell: of moves all of them, of work those with the same actions. */
const learn = async (
  sources: Sources,
  session: Session,
  { servers }: SeenFleet,
): Promise<Durations> => {
  const memory = new Map(servers.map(({ id, flavor }) => [id, flavor?.ram]));
  const actions = JSON.stringify(session.actions);
  const observed: SeenMove[] = [];
  const work: number[] = [];
  const { sessions } = await sources.sessions.list(RECENT_SESSIONS, null);
  for (const { session_id, actions: done } of sessions) {
    if (observed.length < ENOUGH)
      observed.push(
        ...seenMoves(await sources.moves.first(session_id, MOVES_OF_EACH), (id) => memory.get(id)),
      );
    if (work.length < ENOUGH && JSON.stringify(done) === actions)
      work.push(...seenWork(await sources.hostRuns.list(session_id)));
  }
  return {
    moves: learnMoves(observed),
    work: learnWork(work, guessWork(session, sources.settings.LULL_HEARTBEAT_SECONDS)),
  };
};
