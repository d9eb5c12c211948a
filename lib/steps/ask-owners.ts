import type { Ask, AskedState } from "../domain/dialogue/ask.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { maintenanceScheduled } from "../domain/events/maintenance-scheduled.ts";
import type { HostRun } from "../domain/host-run.ts";
import { movabilityOf } from "../domain/instances.ts";
import { later } from "../domain/instant.ts";
import { type Intent, type Move, movesOf, openMove } from "../domain/move.ts";
import { isMaintained } from "../domain/progress.ts";
import { type GuestFacts, toGuest } from "../fleet/guests.ts";
import type { Server } from "../openstack/compute/servers.ts";
import { chunked } from "../store/batch-get.ts";
import type { HostContext } from "./host-step.ts";
import { beginImpact } from "./impacts.ts";
import { noteProjects } from "./note-projects.ts";
import type { OwnersRules } from "./owners-rules.ts";

/** Instances of one ask: with their moves they go into one transaction. */
const MOST_INSTANCES = 40;

type Round = {
  readonly servers: readonly Server[];
  /** The moves from the host that are known so far. */
  readonly moves: readonly Move[];
  readonly intents: readonly Intent[];
  readonly facts: GuestFacts;
  readonly rules: OwnersRules;
};

/**
 * Asks the owners of the servers that have to leave and were not asked by this run yet, or have had
 * it put off until now; where nobody listens, and of what may stay, it is a notice. An instance whose group has as many members
 * impacted as it can bear is not asked about before one of them has recovered: real applications
 * switch over when they are asked, not when they are moved.
 *
 * @returns the host, with the number of the asks counted
 */
export const askOwners = async (context: HostContext, round: Round): Promise<HostRun> => {
  const { run } = context;
  const due = round.servers.filter(({ id }) => isToAsk(context, round, id));
  if (due.length === 0) return run;
  await noteProjects(context.sessionProjects, context.session, due);
  const sequence = run.sequence + 1;
  for (const [projectId, servers] of Map.groupBy(due, ({ project_id }) => project_id ?? ""))
    await askProject({ ...context, run: { ...run, sequence } }, round, projectId, servers);
  const known = new Set([
    ...round.moves.map((move) => move.instance_id),
    ...due.map(({ id }) => id),
  ]);
  return { ...run, sequence, instances_total: known.size };
};

const moveOf = ({ moves }: Round, instanceId: string): Move | undefined =>
  moves.find(({ instance_id }) => instance_id === instanceId);

const isToAsk = ({ ref, now }: HostContext, round: Round, instanceId: string): boolean => {
  const move = moveOf(round, instanceId);
  if (move === undefined) return true;
  if (move.asked_by !== ref.run_id) return !isMovedBy(round, instanceId);
  return move.deferred_until !== null && move.deferred_until <= now;
};

/** Whether this run has moved it, or is about to. */
const isMovedBy = ({ intents }: Round, instanceId: string): boolean =>
  movesOf(intents, instanceId).some(({ outcome }) => outcome === null || outcome === "done");

/** Whether the server may be where it is during the work, so that nobody has to agree to anything. */
const mayStay = ({ session, run }: HostContext, { facts }: Round, server: Server): boolean =>
  run.staying.includes(server.id) ||
  server.status === "SOFT_DELETED" ||
  movabilityOf(toGuest(server, facts), session.policies).kind === "stay";

const askProject = async (
  context: HostContext,
  round: Round,
  projectId: string,
  servers: readonly Server[],
): Promise<void> => {
  const { session, hostRuns } = context;
  const runs = await hostRuns.list(session.session_id);
  const state = runs.some(isMaintained) ? "PLANNED_MAINTENANCE" : "PREPARE_MAINTENANCE";
  const question: Question = { projectId, state, servers, waits: true, n: 0 };
  const likely = eventOf(context, askAbout(context, round, question), servers);
  const listens = await context.audience.listens(projectId, likely);
  const [asked, told] = partition(servers, (server) => listens && !mayStay(context, round, server));
  const ready = await ofFreeGroups(context, round, asked);
  const size = session.workflow === "vnf" ? 1 : MOST_INSTANCES;
  const questions = [
    ...chunked(ready, size).map((some) => ({ servers: some, waits: true })),
    ...chunked(told, MOST_INSTANCES).map((some) => ({ servers: some, waits: false })),
  ];
  for (const [n, one] of questions.entries())
    await put(context, round, { projectId, state, n, ...one });
};

const partition = <T>(items: readonly T[], is: (item: T) => boolean): [T[], T[]] => [
  items.filter(is),
  items.filter((item) => !is(item)),
];

const put = async (context: HostContext, round: Round, question: Question): Promise<void> => {
  const { servers } = question;
  const ask = askAbout(context, round, question);
  await context.asks.open(context.ref, ask, {
    event: eventOf(context, ask, servers),
    moves: servers.map((server) => askedMove(context, round, server, ask)),
  });
};

const eventOf = (
  { session, settings }: HostContext,
  ask: Ask,
  [first]: readonly Server[],
): DomainEvent =>
  maintenanceScheduled(session, ask, {
    publicUrl: settings.LULL_PUBLIC_URL,
    hostId: first?.host_id ?? null,
  });

/** Those whose groups can bear it, each claimed until it has moved. */
const ofFreeGroups = async (
  context: HostContext,
  { rules, intents }: Round,
  servers: readonly Server[],
): Promise<Server[]> => {
  const ready: Server[] = [];
  for (const server of servers)
    if (await beginImpact(context, server.id, rules.of(server).groups, intents)) ready.push(server);
  return ready;
};

type Question = {
  readonly projectId: string;
  readonly state: AskedState;
  readonly servers: readonly Server[];
  /** Whether there will be an answer to wait for. */
  readonly waits: boolean;
  readonly n: number;
};

const askAbout = (
  { session, run, ref, now }: HostContext,
  { rules }: Round,
  { projectId, state, servers, waits, n }: Question,
): Ask => {
  const { dialogue, workflow } = session;
  const lead = Math.max(0, ...servers.map((server) => rules.of(server).leadSeconds));
  const replyAt = later(now, Math.max(lead, dialogue.reply_seconds));
  const about = workflow === "vnf" && waits ? servers[0]?.id : servers[0]?.host_id;
  return {
    schema: 1,
    session_id: session.session_id,
    project_id: projectId,
    ask_id: `${about}.${ref.run_id.slice(0, 8)}.${run.sequence}.${n}`,
    run_id: ref.run_id,
    state,
    instance_ids: servers.map(({ id }) => id),
    allowed_actions: waits ? dialogue.allowed_actions : [],
    expects_reply: waits,
    asked_at: now,
    reply_at: replyAt,
    actions_at: waits ? replyAt : later(now, lead),
    missing: null,
    answer: null,
    answers: 0,
    closed_at: null,
    came_to: null,
  };
};

/** The move as it is once its owner has been asked. */
const askedMove = (context: HostContext, round: Round, server: Server, ask: Ask): Move => {
  const { session, run, ref } = context;
  const before =
    moveOf(round, server.id) ?? openMove(session, run, server.id, server.name, server.project_id);
  const asked = { ...before, ask_id: ask.ask_id, asked_by: ref.run_id, deferred_until: null };
  // What was agreed with an earlier run is over with it.
  return before.asked_by === ref.run_id
    ? asked
    : { ...asked, state: "waiting", action: "LIVE_MIGRATE", interrupts: false, defers: 0 };
};
