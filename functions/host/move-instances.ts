import { entering, givingBack, type HostRun } from "../../lib/domain/host-run.ts";
import { type Movability, movabilityOf } from "../../lib/domain/instances.ts";
import { secondsUntil } from "../../lib/domain/instant.ts";
import type { Intent } from "../../lib/domain/move.ts";
import { factsOf, serversOn, toGuest } from "../../lib/fleet/guests.ts";
import { migrationsOf } from "../../lib/fleet/migrations.ts";
import { noticesOf } from "../../lib/fleet/notices.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
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
    const { now, session, settings } = context;
    const cloud = await context.cloud();
    const service = await computeServiceOf(cloud, context.run.host);
    const [servers, migrations] = await Promise.all([
      serversOn(cloud, context.run.host),
      migrationsOf(cloud, context.run.host),
    ]);
    const run = await tellLateComers(context, servers);
    const aborting = session.control === "aborting";
    const stopping = aborting || drainIsOver(run, settings, now);
    const { underWay, tries } = await judgeMoves(context, servers, migrations, stopping);
    if (underWay.size === 0) {
      if (servers.length === 0) return { run: await emptied({ ...context, run }) };
      if (aborting) return { run: givingBack(run, now, "the session was aborted") };
      if (stopping) return { run: giveUp(run, now, leftOver(servers)) };
    }
    const isDown = service?.state !== "up";
    const waiting = servers.filter(({ id }) => !underWay.has(id));
    const room = stopping || isDown ? 0 : settings.LULL_MOVES_PER_HOST - underWay.size;
    const stuck = await startMoves({ ...context, run }, waiting, tries, room);
    if (isDown) stuck.unshift(`nova-compute on ${run.host} is down: nothing can be moved from it`);
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
  { watches: true },
);

/** Tries of one instance on one host: after so many, only its owner or an admin gets further. */
const MOST_TRIES = 10;

/** Instances that came after their projects were told: they are told now, before they are moved. */
const tellLateComers = async (
  context: HostContext,
  servers: readonly Server[],
): Promise<HostRun> => {
  const { run, session, moves, save } = context;
  const known = await moves.listByHost(session.session_id, run.host);
  const late = servers.filter(({ id }) => !known.some(({ instance_id }) => instance_id === id));
  if (late.length === 0) return run;
  const sequence = run.sequence + 1;
  const next = { ...run, sequence, instances_total: run.instances_total + late.length };
  await save(next, noticesOf(session, { ...next, phase_at: context.now }, late));
  for (const server of late) await noteMove(context, server, {});
  return next;
};

const leftOver = (servers: readonly Server[]): string =>
  `${servers.length} instance(s) are left, e.g. ${servers[0]?.name}`;

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
 * Asks for as many moves as there is `room`, whether or not each finds a target: a full cloud must
 * not be asked about every instance in every round.
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
  const { moves, session, run, ref } = context;
  const known = await moves.listByHost(session.session_id, run.host);
  const facts = await factsOf(await context.cloud(), run.host);
  let asked = 0;
  for (const server of inTurn(servers, ref.turn ?? 0)) {
    const tried = tries.get(server.id) ?? 0;
    const vetoed = known.some((move) => move.instance_id === server.id && move.vetoed);
    const why = whyNot(movabilityOf(toGuest(server, facts), session.policies), server.id, {
      tried,
      vetoed,
    });
    if (why?.lasting) await noteMove(context, server, { state: "blocked", details: why.words });
    if (why !== null) stuck.push(`${server.name}: ${why.words}`);
    else if (asked < room) {
      asked += 1;
      const refusal = await startMove(context, server, tried + 1);
      if (refusal !== null) stuck.push(`${server.name}: ${refusal}`);
    }
  }
  return stuck;
};

/** Another one comes first each turn: those that find no target must not keep the others waiting. */
const inTurn = (servers: readonly Server[], turn: number): Server[] => {
  const sorted = servers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const first = sorted.length === 0 ? 0 : turn % sorted.length;
  return [...sorted.slice(first), ...sorted.slice(0, first)];
};

/** Why an instance is not to be moved now; `lasting` = until its owner or an admin acts. */
const whyNot = (
  movability: Movability,
  instanceId: string,
  { tried, vetoed }: { readonly tried: number; readonly vetoed: boolean },
): { words: string; lasting: boolean } | null => {
  if (vetoed) return { words: "its owner or an admin cancelled its move", lasting: true };
  if (movability.kind === "wait") return { words: movability.why, lasting: false };
  if (movability.kind === "blocked")
    return { words: `${movability.rule}: ${movability.what_to_do}`, lasting: true };
  if (tried < MOST_TRIES) return null;
  const words = `not moved in ${tried} tries; see: openstack server event list ${instanceId}`;
  return { words, lasting: true };
};
