import { isOwnersTime } from "../../lib/domain/dialogue/consent.ts";
import { entering, givingBack, type HostRun, puttingOff } from "../../lib/domain/host-run.ts";
import type { Intent } from "../../lib/domain/move.ts";
import { givesWay } from "../../lib/domain/plan/yielding.ts";
import { drainingFrom } from "../../lib/domain/standstill.ts";
import { secondsSinceBeat } from "../../lib/fleet/clock.ts";
import { factsOf, type GuestFacts, serversOn } from "../../lib/fleet/guests.ts";
import { migrationsOf } from "../../lib/fleet/migrations.ts";
import { computeServiceOf, type KnownService } from "../../lib/fleet/services.ts";
import type { Server } from "../../lib/openstack/compute/servers.ts";
import { askOwners } from "../../lib/steps/ask-owners.ts";
import { drainIsOver, giveUp } from "../../lib/steps/drain.ts";
import { settleLostForces } from "../../lib/steps/force-move.ts";
import { forgetIfAsked } from "../../lib/steps/forget-moves.ts";
import { type Consents, hearOwners } from "../../lib/steps/hear-owners.ts";
import { type HostContext, type HostFinding, hostStep } from "../../lib/steps/host-step.ts";
import { endImpacts } from "../../lib/steps/impacts.ts";
import { type Judgement, judgeMoves, type Round } from "../../lib/steps/judge-moves.ts";
import { type OwnersRules, readOwnersRules } from "../../lib/steps/owners-rules.ts";
import { GROUP_BUSY } from "../../lib/steps/start-move.ts";
import { type Asked, type Delay, leaving, startMoves } from "../../lib/steps/start-moves.ts";
import { removeStatusLinks, writeStatusLinks } from "../../lib/steps/status-links.ts";
import { watchMoves } from "../../lib/steps/watch-moves.ts";

/**
 * State MoveInstances: one round of emptying the host. It first asks Nova what became of the moves
 * it has begun, and hears what the owners of the others say; then it starts as many as may run at
 * once. Nova's 202 is never taken for success.
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
    const unfit = await whyUnfit(found, service);
    const ending =
      found.session.control === "aborting" ||
      isTakenBack(service) ||
      drainIsOver(found.run, found.settings, found.now);
    const rules = await readOwnersRules(found.constraints, servers, facts);
    const mayAsk = !ending && unfit === null && found.standstill === null;
    const {
      run: asked,
      consents,
      isLinking,
    } = await consult(found, { servers, intents, facts, rules }, mayAsk);
    const refused = refusalIn(consents, "skip", servers);
    const stopping = ending || refused !== null;
    const round = { service, servers, migrations, facts, intents, stopping, unfit };
    await settleLostForces(found, intents);
    const judgement = await judgeMoves({ ...found, run: asked }, round);
    const stop = refusalIn(consents, "stop", servers);
    const context = { ...found, run: alarmed(asked, judgement, stop, found.now) };
    const look = { ...round, consents, rules, refused, isLinking };
    const { underWay } = judgement;
    await endImpacts(found, impactsOfGone(look, underWay), "done");
    if (found.standstill === null) await removeStatusLinks(found, intents, hasLeft(look, underWay));
    return (underWay.size === 0 && (await end(context, look))) || goOn(context, look, underWay);
  },
  { watches: true },
);

/** Nothing begins any more in an aborted session, so that nobody needs the network's word. */
const NO_FACTS: GuestFacts = { vnicTypes: new Map(), groups: new Map(), apart: new Map() };

/** What Nova shows of the host and its instances in this round, and what their owners say. */
type Look = Asked & {
  readonly service: KnownService | null;
  /** Why an owner keeps the host from being emptied; null when none does. */
  readonly refused: string | null;
  /** Whether status links are still to be written, for which nothing is moved yet. */
  readonly isLinking: boolean;
};

type Consulted = Pick<Look, "consents" | "isLinking"> & { readonly run: HostRun };

/** Asks owners that were not asked yet, and hears all. */
const consult = async (
  context: HostContext,
  round: Pick<Round, "servers" | "intents" | "facts"> & { readonly rules: OwnersRules },
  mayAsk: boolean,
): Promise<Consulted> => {
  const { moves, session } = context;
  const known = await forgetIfAsked(context, round.intents);
  const run = mayAsk ? await askOwners(context, { ...round, moves: known }) : context.run;
  const asked =
    run === context.run ? known : await moves.listByHost(session.session_id, context.run.host);
  const isLinking =
    mayAsk && (await writeStatusLinks(context, round.servers, asked, round.intents));
  const consents = await hearOwners({ ...context, run }, round.servers, asked, round.rules);
  return { run, consents, isLinking };
};

/** The first owner's word of that kind, with its instance. */
const refusalIn = (
  consents: Consents,
  kind: "skip" | "stop",
  servers: readonly Server[],
): string | null => {
  for (const { id, name } of servers) {
    const consent = consents.get(id);
    if (consent?.kind === kind) return `${name ?? id}: ${consent.why}`;
  }
  return null;
};

/**
 * Whether an instance has left the host for good: one that is moved cold is on its new host before
 * it runs there.
 */
const hasLeft =
  ({ servers }: Look, underWay: ReadonlyMap<string, Intent>) =>
  (instanceId: string): boolean =>
    !underWay.has(instanceId) && !servers.some(({ id }) => id === instanceId);

/** Impacts on instances that have left. */
const impactsOfGone = (look: Look, underWay: ReadonlyMap<string, Intent>): Intent[] => {
  const isGone = hasLeft(look, underWay);
  return look.intents.filter(({ instance_id }) => instance_id !== null && isGone(instance_id));
};

/** What ends the round while nothing is on its way; null = the next moves may begin. */
const end = async (context: HostContext, look: Look): Promise<HostFinding | null> => {
  const { run, standstill } = context;
  if (leaving(look, run).length === 0) return { run: await emptied(context) };
  const back = whyBack(context, look);
  if (back === null) return standstill && { ...standstill, run };
  // Those that were not moved are no longer about to be.
  await endImpacts(context, look.intents, "refused");
  return { run: back };
};

/** The host given back with instances on it; null when it goes on being emptied. */
const whyBack = (context: HostContext, look: Look): HostRun | null => {
  const { run, session, now } = context;
  if (session.control === "aborting") return givingBack(run, now, "the session was aborted");
  if (isTakenBack(look.service))
    return givingBack(run, now, `somebody enabled nova-compute on ${run.host} meanwhile`);
  if (look.refused !== null) return givingBack(run, now, look.refused);
  return look.stopping ? givenUp(context, look) : null;
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
  const { servers, stopping, unfit, consents, isLinking } = round;
  const mayBegin = !stopping && unfit === null && standstill === null && !isLinking;
  const room = mayBegin ? settings.LULL_MOVES_PER_HOST - underWay.size : 0;
  const resting = servers.filter(({ id }) => !underWay.has(id));
  const { run, count, delays } = await startMoves(context, round, resting, room);
  const hasOwnersTime = [...consents.values()].some(isOwnersTime);
  const idle = mayBegin && underWay.size === 0 && count === 0 && !hasOwnersTime;
  if (idle && (await isInTheWay(context))) return { run: givingWay(run, now) };
  const busy = underWay.size + count > 0;
  const isOwnersTurn = !busy && delays.length > 0 && delays.every(({ ownersTime }) => ownersTime);
  const { paused, stuck } = await watchMoves(context, round, underWay);
  const trouble =
    paused ??
    unfit ??
    delays
      .filter(({ ownersTime }) => !ownersTime)
      .map(({ words }) => words)
      .find((words) => !busy || !words.endsWith(GROUP_BUSY)) ??
    stuck ??
    held(underWay, stopping);
  return {
    run: {
      ...(isOwnersTurn ? drainingFrom(run, now) : run),
      instances_left: leaving(round, run).length,
      trouble,
      details: whoHasTime(delays),
    },
    wait: "poll",
    seconds: settings.LULL_POLL_SECONDS,
  };
};

/** The first of the instances whose owners were given time, which is no trouble. */
const whoHasTime = (delays: readonly Delay[]): string | null => {
  const [first, ...more] = delays.filter(({ ownersTime }) => ownersTime);
  if (first === undefined) return null;
  return more.length === 0 ? first.words : `${first.words}; and ${more.length} more`;
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

/** So many moves that broke off one after the other are no accident. */
const MOST_FAILED = 3;

const alarmed = (
  run: HostRun,
  { failed, alarm }: Judgement,
  stop: string | null,
  now: string,
): HostRun => {
  const why =
    alarm ?? (failed >= MOST_FAILED ? `${failed} moves in a row broke off on ${run.host}` : null);
  if (why !== null) return { ...run, moves_failed: 0, alarm: { at: now, why } };
  const known = { ...run, moves_failed: failed };
  // Said once: a session that was resumed all the same is not stopped by the same word again.
  return stop === null || run.alarm?.why === stop
    ? known
    : { ...known, alarm: { at: now, why: stop } };
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
