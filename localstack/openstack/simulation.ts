import type { Clock } from "../clock.ts";
import type { Faults } from "./faults.ts";
import type { Ids } from "./ids.ts";
import { allocate } from "./room.ts";
import { type FullCloudSpec, type InstanceSpec, instanceSpecSchema } from "./spec.ts";
import {
  type Action,
  type ActionEvent,
  change,
  type Host,
  type Instance,
  lastBeat,
  type World,
} from "./world.ts";

/** Who works for the engine, where it is no admin. */
export const OPERATOR = { user: "lull", project: "service", role: "maintenance_operator" };

/** One accepted call that changed something. */
export type JournalEntry = {
  /** Milliseconds since the epoch, by the simulated clock. */
  readonly at: number;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  /** What the caller sent as X-OpenStack-Request-ID. */
  readonly requestId: string | null;
  readonly status: number;
  readonly user: string;
  /** That its token is for. */
  readonly project_id: string | null;
};

/** A move under way, so that aborts, forces and dying hosts find it. */
export type Move = {
  readonly stop: AbortController;
  readonly force: AbortController;
  /** Whether the target has a binding of the guest's port. */
  prepared: boolean;
  /** Whether the guest already runs on the target. */
  committed: boolean;
};

export type Simulation = {
  readonly clock: Clock;
  readonly spec: FullCloudSpec;
  readonly world: World;
  readonly ids: Ids;
  readonly faults: Faults;
  readonly journal: JournalEntry[];
  /** By migration id. */
  readonly moves: Map<number, Move>;
  /** Live migrations that wait for their source host, by host, first come first. */
  readonly queues: Map<string, (() => void)[]>;
  readonly running: Map<string, number>;
  /** Cells that do not answer. */
  readonly downCells: Set<string>;
  readonly admin: { readonly user_id: string; readonly project_id: string };
};

/** The ids of a project and of its user. */
export const ownerOf = (world: World, project: string) => {
  const project_id = world.projects.find((one) => one.name === project)?.id;
  const user_id = world.users.find((one) => one.project_id === project_id)?.id;
  if (!project_id || !user_id) throw new Error(`the cloud has no project "${project}"`);
  return { project_id, user_id };
};

/** Puts an instance into the cloud as if it had always been there; nothing is scheduled or checked. */
export const addInstance = (simulation: Simulation, given: InstanceSpec): Instance => {
  const { clock, world, ids } = simulation;
  const spec = instanceSpecSchema.parse(given);
  const flavor = world.flavors.find((one) => one.name === spec.flavor);
  if (!flavor) throw new Error(`the cloud has no flavor "${spec.flavor}"`);
  const { project_id, user_id } = ownerOf(world, spec.project);
  const group = world.groups.find(
    (one) => one.name === spec.group && one.project_id === project_id,
  );
  if (spec.group !== undefined && !group)
    throw new Error(`project ${spec.project} has no server group "${spec.group}"`);
  if (spec.host !== undefined && !world.hosts.has(spec.host))
    throw new Error(`the cloud has no host "${spec.host}"`);
  const number = world.instances.size + 1;
  const instance: Instance = {
    id: ids.uuid(),
    number,
    name: spec.name,
    project_id,
    user_id,
    flavor,
    group_id: group?.id ?? null,
    pinned_az: spec.pinned_az ?? null,
    volumes: Array.from({ length: spec.volumes }, () => ids.uuid()),
    created_at: clock.now() + number,
    host: spec.host ?? null,
    vm_state: spec.vm_state,
    vm_state_before: "active",
    task_state: null,
    locked: spec.locked,
    metadata: spec.metadata,
    image_properties: spec.image_properties,
    updated_at: clock.now(),
  };
  world.instances.set(instance.id, instance);
  world.ports.set(instance.id, {
    id: ids.uuid(),
    device_id: instance.id,
    vnic_type: spec.vnic_type,
    bindings: instance.host === null ? [] : [{ host: instance.host, status: "ACTIVE" }],
  });
  if (instance.host !== null) allocate(world, instance.id, instance.host, instance);
  return instance;
};

/** `change` at the simulated instant. */
export const set = <T extends Parameters<typeof change>[2]>(
  { world, clock }: Simulation,
  thing: T,
  patch: Partial<T>,
): void => change(world, clock.now(), thing, patch);

/** Whether Nova takes the host's nova-compute for alive. */
export const isUp = ({ clock, spec }: Simulation, host: Host): boolean =>
  !host.forced_down &&
  clock.now() - lastBeat(host, clock.now(), spec.timing.heartbeat_ms) <=
    spec.timing.service_down_ms;

export type Requester = {
  readonly user_id: string;
  readonly project_id: string;
  readonly request_id: string;
};

export const beginAction = (
  { world, clock }: Simulation,
  instance: Instance,
  action: string,
  by: Requester,
): Action => {
  const begun: Action = {
    ...by,
    instance_id: instance.id,
    action,
    start_time: clock.now(),
    message: null,
    updated_at: clock.now(),
    events: [],
  };
  world.actions.unshift(begun);
  return begun;
};

/** Notes an event that has just ended, begun `tookMs` ago. */
export const noteEvent = (
  { clock }: Simulation,
  action: Action,
  event: string,
  host: string | null,
  { error, tookMs = 0 }: { readonly error?: string; readonly tookMs?: number } = {},
): void => {
  const now = clock.now();
  const noted: ActionEvent = {
    event,
    start_time: now - tookMs,
    finish_time: now,
    result: error === undefined ? "Success" : "Error",
    host,
    details: error ?? null,
  };
  action.events = [noted, ...action.events.filter((one) => one.event !== event)];
  action.updated_at = now;
  if (error !== undefined) action.message = "Error";
};
