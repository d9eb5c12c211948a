import type { FlavorSpec, VmState } from "./spec.ts";

type Power = "on" | "frozen" | "off";

export type Host = {
  readonly name: string;
  /** Of its nova-compute's record; another one after it was deleted and the host started anew. */
  service_id: string;
  /** Whether Nova has a record of its nova-compute. */
  has_service: boolean;
  /** Whether Nova has a record of its hypervisor, and so takes the host for one. */
  has_hypervisor: boolean;
  /** Whether Placement has its resource provider. */
  has_provider: boolean;
  /** Of its hypervisor, and of its resource provider. */
  readonly node_id: string;
  zone: string;
  readonly cell: string;
  vcpus: number;
  memory_mb: number;
  disk_gb: number;
  readonly cpu_ratio: number;
  readonly memory_ratio: number;
  readonly hypervisor_type: string;
  readonly duties: HostDuties;
  hypervisor_version: number;
  status: "enabled" | "disabled";
  disabled_reason: string | null;
  forced_down: boolean;
  power: Power;
  /** When its nova-compute last started. */
  started_at: number;
  /** The last heartbeat before it fell silent; null while it runs. */
  silent_since: number | null;
  /** Masakari leaves it alone. */
  on_maintenance: boolean;
  /** Placement's generation of the provider. */
  generation: number;
};

/** Services of Nova and Cinder besides its nova-compute. */
type HostDuties = {
  readonly compute_services: readonly string[];
  readonly volume_backends: readonly string[];
};

/** An agent of Neutron. */
export type Agent = {
  readonly id: string;
  readonly host: string;
  readonly agent_type: string;
  readonly binary: string;
  /** `false`: silent, whatever its host does. */
  readonly alive: boolean;
  readonly configurations: Readonly<Record<string, unknown>>;
};

export type Aggregate = {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
};

export type Instance = {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly flavor: FlavorSpec;
  readonly group_id: string | null;
  readonly pinned_az: string | null;
  readonly volumes: readonly string[];
  readonly created_at: number;
  host: string | null;
  vm_state: VmState | "deleted";
  /** What to be after a confirmed or reverted cold migration. */
  vm_state_before: VmState | "deleted";
  task_state: string | null;
  locked: boolean;
  metadata: Record<string, string>;
  readonly image_properties: Readonly<Record<string, string>>;
  updated_at: number;
};

export type Migration = {
  readonly id: number;
  readonly uuid: string;
  readonly instance_id: string;
  readonly type: "live-migration" | "migration" | "evacuation";
  readonly source: string;
  readonly user_id: string;
  readonly project_id: string;
  readonly created_at: number;
  dest: string | null;
  status: string;
  updated_at: number;
  /** Set while memory is on its way. */
  transfer: Transfer | null;
};

type Transfer = {
  readonly started_at: number;
  readonly total: number;
  /** Bytes in a second; 0 when the guest dirties memory as fast as it is sent. */
  readonly rate: number;
};

export type Group = {
  readonly id: string;
  readonly name: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly policy: string;
  readonly max_server_per_host: number | undefined;
};

type Binding = { readonly host: string; status: "ACTIVE" | "INACTIVE" };
export type Port = {
  readonly id: string;
  readonly device_id: string;
  readonly vnic_type: string;
  bindings: Binding[];
};

export type ActionEvent = {
  readonly event: string;
  readonly start_time: number;
  readonly finish_time: number | null;
  readonly result: "Success" | "Error" | null;
  readonly host: string | null;
  readonly details: string | null;
};
export type Action = {
  readonly instance_id: string;
  readonly action: string;
  readonly request_id: string;
  readonly user_id: string;
  readonly project_id: string;
  readonly start_time: number;
  message: string | null;
  updated_at: number;
  events: ActionEvent[];
};

export type Amounts = Readonly<Record<string, number>>;
/** What one consumer (server or migration) holds of one provider. */
export type Allocation = {
  readonly consumer: string;
  readonly provider: string;
  readonly resources: Amounts;
  readonly project_id: string;
  readonly user_id: string;
};

/** One change of one thing, for whoever checks afterwards what was true at each instant. */
type Change = {
  readonly at: number;
  readonly kind: "instance" | "host" | "migration";
  readonly id: string;
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
};

/** An event alarm, as Aodh keeps it. */
export type Alarm = {
  readonly alarm_id: string;
  readonly name: string;
  readonly description: string;
  readonly type: "event";
  readonly enabled: boolean;
  readonly severity: string;
  readonly state: string;
  readonly state_reason: string;
  readonly state_timestamp: string;
  readonly timestamp: string;
  readonly repeat_actions: boolean;
  readonly alarm_actions: readonly string[];
  readonly ok_actions: readonly string[];
  readonly insufficient_data_actions: readonly string[];
  readonly time_constraints: readonly unknown[];
  readonly project_id: string;
  readonly user_id: string;
  readonly event_rule: {
    readonly event_type: string;
    readonly query: readonly {
      readonly field: string;
      readonly op: string;
      readonly type: string;
      readonly value: string;
    }[];
  };
};

/** As Alertmanager keeps it. */
export type Silence = {
  readonly id: string;
  readonly matchers: readonly {
    readonly name: string;
    readonly value: string;
    readonly isRegex: boolean;
    readonly isEqual: boolean;
  }[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly updatedAt: string;
  readonly createdBy: string;
  readonly comment: string;
};

export type Project = { readonly id: string; readonly name: string };
export type User = {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly project_id: string;
  readonly roles: readonly string[];
};

/** Everything the simulated cloud knows. Read it freely; change it only through `change`. */
export type World = {
  readonly projects: Project[];
  readonly users: User[];
  readonly flavors: (FlavorSpec & { readonly id: string })[];
  readonly groups: Group[];
  aggregates: readonly Aggregate[];
  agents: readonly Agent[];
  readonly hosts: Map<string, Host>;
  readonly instances: Map<string, Instance>;
  readonly migrations: Migration[];
  readonly ports: Map<string, Port>;
  readonly actions: Action[];
  /** By consumer; change them through `hold` and `release`, which keep `used`. */
  readonly allocations: Map<string, Allocation>;
  /** What is allocated, by provider. */
  readonly used: Map<string, Record<string, number>>;
  readonly monitoring: {
    readonly silences: Silence[];
    readonly alarms: Alarm[];
    /** Masakari evacuates somebody, and refuses changes meanwhile. */
    recovering: boolean;
  };
  readonly history: Change[];
};

/** Changes fields of a thing and writes down which. */
export const change = <T extends Host | Instance | Migration>(
  world: World,
  at: number,
  thing: T,
  patch: Partial<T>,
): void => {
  const [kind, id] = nameOf(thing);
  const before = new Map<string, unknown>(Object.entries(thing));
  for (const [field, after] of Object.entries(patch))
    if (before.get(field) !== after)
      world.history.push({ at, kind, id, field, before: before.get(field), after });
  Object.assign(thing, patch);
  if ("updated_at" in thing) thing.updated_at = at;
};

const nameOf = (thing: Host | Instance | Migration): [Change["kind"], string] => {
  if ("service_id" in thing) return ["host", thing.name];
  if ("instance_id" in thing) return ["migration", String(thing.id)];
  return ["instance", thing.id];
};

/** The last heartbeat of a host's nova-compute. */
export const lastBeat = (host: Host, now: number, heartbeatMs: number): number =>
  host.silent_since ?? now - ((now - host.started_at) % heartbeatMs);
