import { notStaying } from "../../lib/domain/empty.ts";
import { entering, givingBack, type HostRun, puttingOff } from "../../lib/domain/host-run.ts";
import { type Guest, type Movability, movabilityOf } from "../../lib/domain/instances.ts";
import { type Intent, isTooBusy, type Move } from "../../lib/domain/move.ts";
import { givesWay } from "../../lib/domain/plan/yielding.ts";
import { secondsSinceBeat } from "../../lib/fleet/clock.ts";
import { factsOf, type GuestFacts, serversOn, toGuest } from "../../lib/fleet/guests.ts";
import { migrationsOf } from "../../lib/fleet/migrations.ts";
import { noticesOf } from "../../lib/fleet/notices.ts";
import { computeServiceOf, type KnownService } from "../../lib/fleet/services.ts";
import type { Fleet } from "../../lib/fleet/targets.ts";
import type { Server } from "../../lib/openstack/compute/servers.ts";
import { drainIsOver, giveUp } from "../../lib/steps/drain.ts";
import { type HostContext, type HostFinding, hostStep } from "../../lib/steps/host-step.ts";
import { type Judgement, judgeMoves, type Round } from "../../lib/steps/judge-moves.ts";
import { leaveInPlace, type Resident } from "../../lib/steps/leave-in-place.ts";
import { noteMove } from "../../lib/steps/note-move.ts";
import { noteProjects } from "../../lib/steps/note-projects.ts";
import { readFleet } from "../../lib/steps/read-fleet.ts";
import { GROUP_BUSY, startMove } from "../../lib/steps/start-move.ts";
import { watchMoves } from "../../lib/steps/watch-moves.ts";

/**
 * State MoveInstances: one round of emptying the host. It first asks Nova what became of the moves
 * it has begun, then starts as many as may run at once. Nova's 202 is never taken for success.
 *
 * Begun moves are always seen to their end, also when the session is aborted or paused meanwhile.
 */
export const handler = hostStep(
  "MOVING",
  async (found) => {
    const cloud = await found.cloud();
    const { host } = found.run;
    const service = await computeServiceOf(cloud, host);
    const [servers, migrations, facts, intents] = await Promise.all([
      serversOn(cloud, host),
      migrationsOf(cloud, host),
      found.session.control === "aborting" ? NO_FACTS : factsOf(cloud, host),
      found.intents.list(found.ref.run_id),
    ]);
    const told = await tellLateComers(found, servers);
    const stopping =
      found.session.control === "aborting" ||
      isTakenBack(service) ||
      drainIsOver(told, found.settings, found.now);
    const unfit = await whyUnfit(found, service);
    const round = { service, servers, migrations, facts, intents, stopping, unfit };
    const judgement = await judgeMoves({ ...found, run: told }, round);
    const context = { ...found, run: alarmed(told, judgement, found.now) };
    const { underWay } = judgement;
    return (underWay.size === 0 && (await end(context, round))) || goOn(context, round, underWay);
  },
  { watches: true },
);

/** Nothing begins any more in an aborted session, so that nobody needs the network's word. */
const NO_FACTS: GuestFacts = { vnicTypes: new Map(), groups: new Map() };

/** What Nova shows of the host and its instances in this round. */
type Look = Round & { readonly service: KnownService | null };

/** What ends the round while nothing is on its way; null = the next moves may begin. */
const end = async (context: HostContext, round: Look): Promise<HostFinding | null> => {
  const { run, session, standstill, now } = context;
  if (leaving(round, run).length === 0) return { run: await emptied(context) };
  if (session.control === "aborting")
    return { run: givingBack(run, now, "the session was aborted") };
  if (isTakenBack(round.service))
    return { run: givingBack(run, now, `somebody enabled nova-compute on ${run.host} meanwhile`) };
  if (round.stopping) return { run: givenUp(context, round) };
  return standstill && { ...standstill, run };
};

/** The host given back with instances on it; if it is dead, that is left for people to mend. */
const givenUp = ({ run, now }: HostContext, { servers, service }: Look): HostRun => {
  const next = giveUp(run, now, leftOver(servers));
  if (service?.state === "up") return next;
  const names = servers.map(({ id, name, status }) => `${name ?? id} ${status}`).join(", ");
  const left_behind = `nova-compute on ${run.host} is down since ${service?.updated_at}; on it: ${names}`;
  return { ...next, left_behind };
};

/** Whether somebody has opened the host to new instances while it is emptied: it is theirs again. */
const isTakenBack = (service: KnownService | null): boolean => service?.status === "enabled";

/** Begins as many moves as there is room for, and watches those under way. */
const goOn = async (
  context: HostContext,
  round: Look,
  underWay: ReadonlyMap<string, Intent>,
): Promise<HostFinding> => {
  const { settings, standstill, now } = context;
  const { servers, stopping, unfit } = round;
  const mayBegin = !stopping && unfit === null && standstill === null;
  const room = mayBegin ? settings.LULL_MOVES_PER_HOST - underWay.size : 0;
  const resting = servers.filter(({ id }) => !underWay.has(id));
  const { run, count, stuck } = await startMoves(context, round, resting, room);
  const idle = mayBegin && underWay.size === 0 && count === 0;
  if (idle && (await isInTheWay(context))) return { run: givingWay(run, now) };
  const busy = underWay.size + count > 0;
  const trouble =
    unfit ??
    stuck.find((words) => !busy || !words.endsWith(GROUP_BUSY)) ??
    (await watchMoves(context, round, underWay)) ??
    held(underWay, stopping);
  return {
    run: { ...run, instances_left: leaving(round, run).length, trouble },
    wait: "poll",
    seconds: settings.LULL_POLL_SECONDS,
  };
};

/** Why nothing may be moved from the host now: it is dead, or may just have died. */
const whyUnfit = async (
  { run, cloud, settings }: HostContext,
  service: KnownService | null,
): Promise<string | null> => {
  if (isTakenBack(service))
    return `somebody enabled nova-compute on ${run.host}: it is given back as soon as nothing is on its way`;
  if (service?.state !== "up")
    return `nova-compute on ${run.host} is down: nothing can be moved from it`;
  const seconds = await secondsSinceBeat(await cloud(), service);
  if (seconds <= settings.LULL_HEARTBEAT_SECONDS) return null;
  return `the heartbeat of ${run.host} is late, the last one is ${seconds} s old: nothing is moved from it until it beats again`;
};

/** Tries of one instance on one host: after so many, only its owner or an admin gets further. */
const MOST_TRIES = 10;
/** So many moves that broke off one after the other are no accident. */
const MOST_FAILED = 3;

/** The servers that still have to leave. */
const leaving = ({ servers, facts }: Round, run: HostRun) =>
  notStaying(
    servers.map((server) => toGuest(server, facts)),
    run.staying,
  );

const alarmed = (run: HostRun, { failed, alarm }: Judgement, now: string): HostRun => {
  const why =
    alarm ?? (failed >= MOST_FAILED ? `${failed} moves in a row broke off on ${run.host}` : null);
  return why === null
    ? { ...run, moves_failed: failed }
    : { ...run, moves_failed: 0, alarm: { at: now, why } };
};

/** Instances that came after their projects were told: they are told now, before they are moved. */
const tellLateComers = async (
  context: HostContext,
  servers: readonly Server[],
): Promise<HostRun> => {
  const { run, session, moves, save } = context;
  const known = await moves.listByHost(session.session_id, run.host);
  const late = servers.filter(({ id }) => !known.some(({ instance_id }) => instance_id === id));
  if (late.length === 0) return run;
  await noteProjects(context, late);
  const sequence = run.sequence + 1;
  const next = { ...run, sequence, instances_total: run.instances_total + late.length };
  await save(next, noticesOf(session, { ...next, phase_at: context.now }, late));
  for (const server of late) await noteMove(context, server, {});
  return next;
};

const leftOver = (servers: readonly Server[]): string =>
  `${servers.length} instance(s) are left, e.g. ${servers[0]?.name}`;

/** The move that holds up the end of the drain. */
const held = (underWay: ReadonlyMap<string, Intent>, stopping: boolean): string | null => {
  const oldest = [...underWay.values()].toSorted((a, b) => (a.at < b.at ? -1 : 1))[0];
  if (oldest === undefined || !stopping) return null;
  return `instance ${oldest.instance_id} is on its way to ${oldest.target} since ${oldest.at} and is waited for`;
};

/** Nobody is left who has to leave: those we did not move were taken away by their owners. */
const emptied = async ({ moves, session, run, now, ref }: HostContext): Promise<HostRun> => {
  for (const move of await moves.listByHost(session.session_id, run.host))
    if (!["moved", "gone", "staying"].includes(move.state))
      await moves.put(ref, { ...move, state: "gone", finished_at: now, details: null });
  return { ...entering(run, "VERIFYING_EMPTY", now), instances_left: 0 };
};

const givingWay = (run: HostRun, now: string): HostRun => ({
  ...puttingOff(run, now, "it lets another host of the session go first"),
  yielded_at: now,
});

/**
 * Whether the host and another one that is emptied keep each other from it, and it is this one's
 * turn to give way: not when it was worked on, as it could not be given back.
 */
const isInTheWay = async ({ hostRuns, session, run, now }: HostContext): Promise<boolean> =>
  !run.worked && givesWay(run, await hostRuns.list(session.session_id), now);

type Begun = {
  readonly run: HostRun;
  /** How many instances are on their way now that were not before. */
  readonly count: number;
  /** Why instances are not moving, in words. */
  readonly stuck: readonly string[];
};

/**
 * Asks for as many moves as there is `room`, whether or not each finds a target: a full cloud must
 * not be asked about every instance in every round.
 */
const startMoves = async (
  context: HostContext,
  round: Round,
  servers: readonly Server[],
  room: number,
): Promise<Begun> => {
  const { run, ref } = context;
  const known = await forgetIfAsked(context);
  const subjects = inTurn(servers, ref.turn ?? 0).flatMap((server) =>
    subjectOf(context, round, server),
  );
  const residents = subjects.flatMap(({ guest, movability }) =>
    isResident(movability) ? [{ guest, movability }] : [],
  );
  let read: Promise<Fleet> | undefined;
  const fleet = () => {
    read ??= readFleet(context);
    return read;
  };
  const stuck: string[] = [];
  let asked = 0;
  let count = 0;
  for (const { server, movability } of subjects) {
    if (isResident(movability)) continue;
    const move = known.find(({ instance_id }) => instance_id === server.id);
    const tries = triesOf(round.intents, server.id);
    const why = whyNot(server, movability, move, tries);
    if (why?.lasting) await noteMove(context, server, { state: "blocked", details: why.words });
    if (why !== null) stuck.push(`${server.name}: ${why.words}`);
    else if (asked < room) {
      asked += 1;
      const refusal = await startMove(context, server, round.facts, tries.length + 1, fleet);
      if (refusal === null) count += 1;
      else stuck.push(`${server.name}: ${refusal}`);
    }
  }
  if (room <= 0) return { run, count, stuck };
  const others = leaving(round, run).length - residents.length;
  return { run: await leaveInPlace(context, residents, others <= 0), count, stuck };
};

/** An instance that has to leave or to be left in place; nothing when it rests where it may stay. */
const subjectOf = (
  { session, run }: HostContext,
  { facts }: Round,
  server: Server,
): { server: Server; guest: Guest; movability: Movability }[] => {
  const guest = toGuest(server, facts);
  if (notStaying([guest], run.staying).length === 0) return [];
  return [{ server, guest, movability: movabilityOf(guest, session.policies) }];
};

const isResident = (movability: Movability): movability is Resident["movability"] =>
  movability.kind === "stay" || movability.kind === "stop_start";

/** An admin may ask for the stuck instances of a host to be tried anew: what was held against them is forgotten. */
const forgetIfAsked = async ({ moves, session, run, ref }: HostContext): Promise<Move[]> => {
  const known = await moves.listByHost(session.session_id, run.host);
  const asked = session.retried[run.host] ?? "";
  return Promise.all(
    known.map(async (move) => {
      if (asked <= (move.retried_at ?? "")) return move;
      const fresh = { ...move, refusals: [], vetoed: false, stalls: 0, retried_at: asked };
      await moves.put(ref, fresh);
      return fresh;
    }),
  );
};

/** When each try to move the instance was made. */
const triesOf = (intents: readonly Intent[], instanceId: string): string[] =>
  intents.filter(({ instance_id }) => instance_id === instanceId).map(({ at }) => at);

/** Another one comes first each turn: those that find no target must not keep the others waiting. */
const inTurn = (servers: readonly Server[], turn: number): Server[] => {
  const sorted = servers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const first = sorted.length === 0 ? 0 : turn % sorted.length;
  return [...sorted.slice(first), ...sorted.slice(0, first)];
};

/** Why an instance is not to be moved now; `lasting` = until its owner or an admin acts. */
const whyNot = (
  server: Server,
  movability: Movability,
  move: Move | undefined,
  tries: readonly string[],
): { words: string; lasting: boolean } | null => {
  if (move?.vetoed) return { words: "its owner or an admin cancelled its move", lasting: true };
  if (movability.kind === "wait") return { words: movability.why, lasting: false };
  if (movability.kind === "blocked")
    return { words: `${movability.rule}: ${movability.what_to_do}`, lasting: true };
  if (move !== undefined && isTooBusy(move)) {
    const words = `its memory changes faster than it can be copied to any of ${move.stalls} hosts; its owner has to calm it down or stop it`;
    return { words, lasting: true };
  }
  const tried = tries.filter((at) => at > (move?.retried_at ?? "")).length;
  if (tried < MOST_TRIES) return null;
  const words = `not moved in ${tried} tries; see: openstack server event list ${server.id}`;
  return { words, lasting: true };
};
