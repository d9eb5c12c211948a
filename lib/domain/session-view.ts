import { attentionOf } from "./attention.ts";
import { staysChanged } from "./control.ts";
import { askingUntil, waitedFor } from "./dialogue/asking.ts";
import { claimHost, type HostRun, isOutOfService } from "./host-run.ts";
import type { Move } from "./move.ts";
import { type Agenda, orderBy } from "./plan/agenda.ts";
import { awaitsTurn } from "./plan/canary.ts";
import { isMaintained, percentDone, resultOf } from "./progress.ts";
import type { Session } from "./session.ts";
import type { Freeze } from "./standstill.ts";

/** A session in a list. */
export const summaryOf = (session: Session, hosts: readonly HostRun[]) => ({
  session_id: session.session_id,
  state: session.state,
  control: session.control,
  result: resultOf(session, hosts),
  percent_done: percentDone(session, hosts),
  maintenance_at: session.maintenance_at,
  reason: session.reason,
  hosts: session.hosts.length,
  created_at: session.created_at,
});

/** What its projects are asked for the session as a whole, and who of them is waited for. */
const askingView = (session: Session, freeze: Freeze | null) => {
  const { asking } = session;
  if (asking === null || session.closed_at !== null) return null;
  const { state, project_ids, since } = asking;
  const reply_at = askingUntil(session, asking, freeze);
  return { state, project_ids, projects_total: waitedFor(asking), since, reply_at };
};

/** How a session stands, without its hosts: the answer to whoever looks at it or orders something. */
export const briefOf = (session: Session, hosts: readonly HostRun[], freeze: Freeze | null) => ({
  session_id: session.session_id,
  state: session.state,
  control: session.control,
  holds: session.holds,
  aborted: session.aborted,
  result: resultOf(session, hosts),
  percent_done: percentDone(session, hosts),
  maintenance_at: session.maintenance_at,
  attention: attentionOf(session, hosts, freeze),
  asking: askingView(session, freeze),
});

/** A host that its session has not claimed yet stands as one that waits. */
const unclaimed = ({ session_id, created_at }: Session, host: string): HostRun =>
  claimHost({ sessionId: session_id, host, deviceId: "", plugins: [], now: created_at });

const hostView = (run: HostRun) => ({
  hostname: run.host,
  type: "compute",
  maintained: isMaintained(run),
  /** Whether Lull has it out of scheduling, or has left it so for a human. */
  disabled: run.outcome === "failed" || isOutOfService(run),
  phase: run.phase,
  outcome: run.outcome,
  instances_total: run.instances_total,
  instances_left: run.instances_left,
  started_at: run.started_at,
  phase_at: run.phase_at,
  work_started_at: run.work_started_at,
  work_ended_at: run.work_ended_at,
  finished_at: run.finished_at,
  /** The hypervisor's, before the work. */
  hypervisor_version: run.worth?.hypervisor_version ?? null,
  /** Instances that stay on it, and those of them that Lull stopped. */
  staying: run.staying,
  stopped: run.stopped,
  /** What on it stopped the session, and when. */
  alarm: run.alarm,
  /** Why nothing is begun on it now; its clocks stand still. */
  standstill: run.standstill?.why ?? null,
  details: run.trouble ?? run.left_behind ?? run.details,
});

const moveView = (move: Move) => ({
  instance_id: move.instance_id,
  instance_name: move.instance_name,
  project_id: move.project_id,
  host: move.host,
  destination_host: move.destination_host,
  state: move.state,
  action: move.action,
  action_done: move.state === "moved",
  tries: move.tries,
  refusals: move.refusals,
  vetoed: move.vetoed,
  started_at: move.started_at,
  finished_at: move.finished_at,
  details: move.details,
});

/** So many of the next hosts are told. */
const NEXT_TOLD = 10;

/** What it follows, as of now. */
type Following = { readonly agenda: Agenda | null; readonly now: string };

/** The plan that the session follows, as far as it goes on from here. */
const agendaView = (
  { agenda, now }: Following,
  { closed_at }: Session,
  hosts: readonly HostRun[],
) => {
  if (agenda === null || closed_at !== null) return null;
  const { made_at, ends_at, failed } = agenda;
  const order = orderBy(agenda, hosts, now);
  const next = hosts.filter(awaitsTurn).toSorted(order.compare);
  return {
    made_at,
    ends_at,
    next: next.slice(0, NEXT_TOLD).map(({ host }) => host),
    /** What the first of them waits for. */
    wait: next[0] ? order.wait(next[0]) : null,
    failed,
  };
};

/** Answer of GET /v1/maintenance/{id}/detail: Fenix's names, and ours beside them. */
export const detailOf = (
  session: Session,
  hosts: readonly HostRun[],
  moves: readonly Move[],
  freeze: Freeze | null,
  following: Following,
) => ({
  session_id: session.session_id,
  percent_done: percentDone(session, hosts),
  control: session.control,
  holds: session.holds,
  aborted: session.aborted,
  result: resultOf(session, hosts),
  stays_changed: session.control === "aborting" ? staysChanged(session, hosts, moves) : [],
  attention: attentionOf(session, hosts, freeze),
  asking: askingView(session, freeze),
  session: {
    state: session.state,
    prev_state: session.prev_state,
    maintenance_at: session.maintenance_at,
    ends_at: session.ends_at,
    metadata: session.metadata,
    workflow: session.workflow,
    reason: session.reason,
    profile: session.profile,
    created_at: session.created_at,
    created_by: session.created_by,
    preflight_at: session.preflight_at,
    instances_total: session.instances_total,
    preflight: session.preflight,
    updated_at: session.updated_at,
    targets: session.targets,
    max_parallel_hosts: session.max_parallel_hosts,
    max_parallel_per: session.max_parallel_per,
    canary: session.canary,
    soak_minutes: session.soak_minutes,
    reserve_hosts: session.reserve_hosts,
    cordon_ahead: session.cordon_ahead,
    host_minutes: session.host_minutes,
    next_windows: session.next_windows,
    accept_duties: session.accept_duties,
    force_complete: session.force_complete,
    retire: session.retire,
    objective: session.objective,
    policies: session.policies,
    dialogue: session.dialogue,
    emergency: session.emergency,
    resumed_at: session.resumed_at,
    closed_at: session.closed_at,
  },
  plan: agendaView(following, session, hosts),
  hosts: session.hosts.map((host) =>
    hostView(hosts.find((run) => run.host === host) ?? unclaimed(session, host)),
  ),
  instances: moves.map(moveView),
  action_plugin_instances: hosts.flatMap((run) =>
    run.actions
      .filter(({ state }) => state !== "PENDING")
      .map(({ plugin, state }) => ({ plugin, type: "host", hostname: run.host, state })),
  ),
});
