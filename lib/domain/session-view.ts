import { type ActionRun, type HostRun, isActive, isOutOfService } from "./host-run.ts";
import type { Move } from "./move.ts";
import { percentDone } from "./progress.ts";
import type { Attention, Session } from "./session.ts";

/** A session in a list. */
export const summaryOf = (session: Session, hosts: readonly HostRun[]) => ({
  session_id: session.session_id,
  state: session.state,
  control: session.control,
  percent_done: percentDone(session, hosts),
  maintenance_at: session.maintenance_at,
  reason: session.reason,
  hosts: session.hosts.length,
  created_at: session.created_at,
});

/** Everything in the session that waits for a named human, oldest first. */
export const attentionOf = (session: Session, hosts: readonly HostRun[]): Attention[] => {
  const failed = hosts
    .filter(({ outcome }) => outcome === "failed")
    .map((run) => ({
      code: "host_failed",
      host: run.host,
      instance: null,
      since: run.finished_at ?? run.phase_at,
      message: run.details ?? "no reason given",
      what_happens_next: "nothing: the host stays disabled and silenced until you put it back",
    }));
  const stuck = hosts
    .filter((run) => isActive(run) && run.trouble !== null)
    .map((run) => ({
      code: `host_${run.phase.toLowerCase()}`,
      host: run.host,
      instance: null,
      since: run.phase_at,
      message: run.trouble ?? "",
      what_happens_next:
        "it is tried again, and given back or left out of service when its time is over",
    }));
  const held = hosts
    .filter(({ actions }) => actions.some(isHeld))
    .map((run) => ({
      code: "host_held",
      host: run.host,
      instance: null,
      since: run.phase_at,
      message: run.actions.find(isHeld)?.details ?? "",
      what_happens_next:
        "it is held until then, or until its time is over: then it counts as failed",
    }));
  const left = hosts
    .filter(({ left_behind }) => left_behind !== null)
    .map((run) => ({
      code: "host_left",
      host: run.host,
      instance: null,
      since: run.phase_at,
      message: run.left_behind ?? "",
      what_happens_next: "nothing: this is left for you",
    }));
  return [...session.attention, ...failed, ...stuck, ...held, ...left].toSorted((a, b) =>
    a.since < b.since ? -1 : 1,
  );
};

/** A hold that waits for a human: one that ends by itself has nothing to say. */
const isHeld = ({ plugin, state, details }: ActionRun): boolean =>
  plugin === "hold" && state === "RUNNING" && details !== null;

const hostView = (host: string, run: HostRun | undefined) => ({
  hostname: host,
  type: "compute",
  maintained: run?.outcome === "maintained",
  /** Whether Lull has it out of scheduling, or has left it so for a human. */
  disabled: run?.outcome === "failed" || (run !== undefined && isOutOfService(run)),
  phase: run?.phase ?? "WAITING",
  outcome: run?.outcome ?? null,
  instances_total: run?.instances_total ?? 0,
  instances_left: run?.instances_left ?? 0,
  started_at: run?.started_at ?? null,
  finished_at: run?.finished_at ?? null,
  details: run?.trouble ?? run?.left_behind ?? run?.details ?? null,
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
  started_at: move.started_at,
  finished_at: move.finished_at,
  details: move.details,
});

/** Answer of GET /v1/maintenance/{id}/detail: Fenix's names, and ours beside them. */
export const detailOf = (session: Session, hosts: readonly HostRun[], moves: readonly Move[]) => ({
  session_id: session.session_id,
  percent_done: percentDone(session, hosts),
  control: session.control,
  attention: attentionOf(session, hosts),
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
    updated_at: session.updated_at,
    targets: session.targets,
    max_parallel_hosts: session.max_parallel_hosts,
  },
  hosts: session.hosts.map((host) =>
    hostView(
      host,
      hosts.find((run) => run.host === host),
    ),
  ),
  instances: moves.map(moveView),
  action_plugin_instances: hosts.flatMap((run) =>
    run.actions
      .filter(({ state }) => state !== "PENDING")
      .map(({ plugin, state }) => ({ plugin, type: "host", hostname: run.host, state })),
  ),
});
