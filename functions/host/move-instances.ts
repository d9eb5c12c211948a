import { entering, givingBack, type HostRun } from "../../lib/domain/host-run.ts";
import { movabilityOf } from "../../lib/domain/instances.ts";
import { secondsUntil } from "../../lib/domain/instant.ts";
import type { Intent } from "../../lib/domain/move.ts";
import { serversOn, toGuest } from "../../lib/fleet/guests.ts";
import { migrationsOf } from "../../lib/fleet/migrations.ts";
import type { Server } from "../../lib/openstack/compute/servers.ts";
import { drainIsOver, giveUp } from "../../lib/steps/drain.ts";
import { type HostContext, hostStep } from "../../lib/steps/host-step.ts";
import { judgeMoves } from "../../lib/steps/judge-moves.ts";
import { noteMove, startMove } from "../../lib/steps/start-move.ts";

/**
 * State MoveInstances: one round of emptying the host. It first asks Nova what became of the moves
 * it has begun, then starts as many as may run at once. Nova's 202 is never taken for success.
 *
 * Begun moves are always seen to their end, also when the session is aborted meanwhile.
 */
export const handler = hostStep(
  "MOVING",
  async (context) => {
    const { now, run, session, settings } = context;
    const cloud = await context.cloud();
    const [servers, migrations] = await Promise.all([
      serversOn(cloud, run.host),
      migrationsOf(cloud, run.host),
    ]);
    const aborting = session.control === "aborting";
    const stopping = aborting || drainIsOver(run, settings, now);
    const { underWay, tries } = await judgeMoves(context, servers, migrations, stopping);
    if (underWay.size === 0) {
      if (servers.length === 0) return { run: await emptied(context) };
      if (aborting) return { run: givingBack(run, now, "the session was aborted") };
      if (stopping) return { run: giveUp(run, now, run.trouble ?? "instances are left") };
    }
    const waiting = servers.filter(({ id }) => !underWay.has(id));
    const room = stopping ? 0 : settings.LULL_MOVES_PER_HOST - underWay.size;
    const stuck = await startMoves(context, waiting, tries, room);
    return {
      run: {
        ...run,
        instances_left: servers.length,
        trouble: stuck[0] ?? overdue(underWay, stopping, now),
      },
      wait: "poll",
      seconds: settings.LULL_POLL_SECONDS,
    };
  },
  { abortsItself: true },
);

/** Tries of one instance on one host: after so many, only its owner or an admin gets further. */
const MOST_TRIES = 10;

/** A move that takes longer than this is told to people; it is seen to its end all the same. */
const LONG_MOVE_SECONDS = 1800;

/** The move under way that people should know of: the oldest one, when it is late or holds up an end. */
const overdue = (
  underWay: ReadonlyMap<string, Intent>,
  stopping: boolean,
  now: string,
): string | null => {
  const oldest = [...underWay.values()].toSorted((a, b) => (a.at < b.at ? -1 : 1))[0];
  if (oldest === undefined) return null;
  if (!stopping && secondsUntil(oldest.at, now) < LONG_MOVE_SECONDS) return null;
  return (
    `instance ${oldest.instance_id} is on its way to ${oldest.target} since ${oldest.at} and is waited for; ` +
    `to end it: openstack server migration abort ${oldest.instance_id} MIGRATION`
  );
};

/** No server is listed any more: those we did not move were taken away by their owners. */
const emptied = async ({ moves, session, run, now, ref }: HostContext): Promise<HostRun> => {
  for (const move of await moves.listByHost(session.session_id, run.host))
    if (move.state !== "moved" && move.state !== "gone")
      await moves.put(ref, { ...move, state: "gone", finished_at: now, details: null });
  return { ...entering(run, "VERIFYING_EMPTY", now), instances_left: 0 };
};

/**
 * Starts moves until `room` is used up.
 *
 * @returns why the others are not moving, in words
 */
const startMoves = async (
  context: HostContext,
  servers: readonly Server[],
  tries: ReadonlyMap<string, number>,
  room: number,
): Promise<string[]> => {
  const stuck: string[] = [];
  let started = 0;
  for (const server of servers.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const tried = tries.get(server.id) ?? 0;
    const why = whyNot(server, tried);
    if (why?.lasting) await noteMove(context, server, { state: "blocked", details: why.words });
    if (why !== null) stuck.push(`${server.name}: ${why.words}`);
    else if (started < room) {
      const refusal = await startMove(context, server, tried + 1);
      if (refusal === null) started += 1;
      else stuck.push(`${server.name}: ${refusal}`);
    }
  }
  return stuck;
};

/** Why an instance is not to be moved now; `lasting` = until its owner or an admin acts. */
const whyNot = (server: Server, tried: number): { words: string; lasting: boolean } | null => {
  const movability = movabilityOf(toGuest(server));
  if (movability.kind === "wait") return { words: movability.why, lasting: false };
  if (movability.kind === "blocked")
    return { words: `${movability.rule}: ${movability.what_to_do}`, lasting: true };
  if (tried < MOST_TRIES) return null;
  const words = `not moved in ${tried} tries; see: openstack server event list ${server.id}`;
  return { words, lasting: true };
};
