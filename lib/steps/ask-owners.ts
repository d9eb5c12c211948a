import type { Ask, AskedState } from "../domain/dialogue/ask.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { maintenanceScheduled } from "../domain/events/maintenance-scheduled.ts";
import type { HostRun } from "../domain/host-run.ts";
import { later } from "../domain/instant.ts";
import { type Intent, type Move, openMove } from "../domain/move.ts";
import { isMaintained } from "../domain/progress.ts";
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
  readonly rules: OwnersRules;
};

/**
 * Asks the owners of the servers that have to leave and were not asked yet, or have had it put off
 * until now; where nobody listens it is a notice. An instance whose group has as many members
 * impacted as it can bear is not asked about before one of them has recovered: real applications
 * switch over when they are asked, not when they are moved.
 *
 * @returns the host, with the number of the asks counted
 */
export const askOwners = async (context: HostContext, round: Round): Promise<HostRun> => {
  const { run, now } = context;
  const due = round.servers.filter(({ id }) => isToAsk(moveOf(round, id), now));
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

const isToAsk = (move: Move | undefined, now: string): boolean =>
  move === undefined ||
  (move.ask_id === null && move.state !== "moved") ||
  (move.deferred_until !== null && move.deferred_until <= now);

const askProject = async (
  context: HostContext,
  round: Round,
  projectId: string,
  servers: readonly Server[],
): Promise<void> => {
  const { session, hostRuns } = context;
  const runs = await hostRuns.list(session.session_id);
  const state = runs.some(isMaintained) ? "PLANNED_MAINTENANCE" : "PREPARE_MAINTENANCE";
  const question: Question = { projectId, state, servers, listens: true, n: 0 };
  const likely = eventOf(context, askAbout(context, round, question), servers);
  const listens = await context.audience.listens(projectId, likely);
  const ready = listens ? await ofFreeGroups(context, round, servers) : servers;
  const size = listens && session.workflow === "vnf" ? 1 : MOST_INSTANCES;
  for (const [n, asked] of chunked(ready, size).entries()) {
    const ask = askAbout(context, round, { projectId, state, servers: asked, listens, n });
    await context.asks.open(context.ref, ask, {
      event: eventOf(context, ask, asked),
      moves: asked.map((server) => askedMove(context, round, server, ask)),
    });
  }
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
  readonly listens: boolean;
  readonly n: number;
};

const askAbout = (
  { session, run, ref, now }: HostContext,
  { rules }: Round,
  { projectId, state, servers, listens, n }: Question,
): Ask => {
  const { dialogue, workflow } = session;
  const lead = Math.max(0, ...servers.map((server) => rules.of(server).leadSeconds));
  const replyAt = later(now, lead > 0 ? lead : dialogue.reply_seconds);
  const about = workflow === "vnf" && listens ? servers[0]?.id : servers[0]?.host_id;
  return {
    schema: 1,
    session_id: session.session_id,
    project_id: projectId,
    ask_id: `${about}.${run.sequence}.${n}`,
    run_id: ref.run_id,
    state,
    instance_ids: servers.map(({ id }) => id),
    allowed_actions: listens ? dialogue.allowed_actions : [],
    expects_reply: listens,
    asked_at: now,
    reply_at: replyAt,
    actions_at: listens ? replyAt : later(now, lead),
    missing: null,
    answer: null,
    answers: 0,
    closed_at: null,
    came_to: null,
  };
};

/** The move as it is once its owner has been asked. */
const askedMove = (context: HostContext, round: Round, server: Server, ask: Ask): Move => {
  const { session, run } = context;
  const before =
    moveOf(round, server.id) ?? openMove(session, run, server.id, server.name, server.project_id);
  return { ...before, ask_id: ask.ask_id, deferred_until: null };
};
