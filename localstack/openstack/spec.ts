import * as z from "zod";

/** How fast the simulated cloud does things, in milliseconds of its clock. */
const timingSchema = z.object({
  /** Between two heartbeats of a nova-compute (Nova's report_interval). */
  heartbeat_ms: z.number().default(10_000),
  /** Silence after which a service counts as down (Nova's service_down_time). */
  service_down_ms: z.number().default(60_000),
  /** From the 202 to the migration's row. */
  accept_ms: z.number().default(80),
  /** Choosing a target and asking it. */
  schedule_ms: z.number().default(250),
  /** Making the target ready. */
  prepare_ms: z.number().default(400),
  /** Memory that a live migration moves in a second. */
  bytes_per_second: z.number().default(512 * 2 ** 20),
  /** From ACTIVE on the new host to the row's `completed`. */
  settle_ms: z.number().default(400),
  /** How long an abort or a forced end takes. */
  stop_ms: z.number().default(300),
  /** What a call to a host that has just died takes (rpc_response_timeout). */
  rpc_timeout_ms: z.number().default(60_000),
  /** A transfer that never ends is given up after so long per GiB (live_migration_completion_timeout). */
  completion_ms_per_gib: z.number().default(800_000),
  cold_ms: z.number().default(2_000),
  confirm_ms: z.number().default(300),
  boot_ms: z.number().default(1_500),
  /** Stopping, starting, rebooting, pausing, suspending. */
  power_ms: z.number().default(700),
  /** Between two reports of a host's resources (Nova's update_resources_interval). */
  resources_ms: z.number().default(60_000),
  shelve_ms: z.number().default(2_000),
  /** From SHELVED_OFFLOADED until the server belongs to no host. */
  forget_host_ms: z.number().default(200),
});

/** What lives on a host besides its nova-compute and its Open vSwitch agent. */
const dutiesSchema = z.object({
  /** Binaries, e.g. "nova-scheduler". */
  compute_services: z.array(z.string()).default([]),
  agents: z
    .array(
      z.object({
        /** "L3 agent", "DHCP agent", "OVN Controller Gateway agent" ... */
        agent_type: z.string(),
        binary: z.string().default("neutron-agent"),
        /** `false`: it has fallen silent although its host has not. */
        alive: z.boolean().default(true),
        configurations: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
  /** Of a cinder-volume, e.g. "lvm". */
  volume_backends: z.array(z.string()).default([]),
});

const hostSchema = z.object({
  name: z.string(),
  zone: z.string().default("nova"),
  cell: z.string().default("cell1"),
  vcpus: z.number().default(32),
  memory_mb: z.number().default(65_536),
  disk_gb: z.number().default(2_000),
  cpu_ratio: z.number().default(16),
  memory_ratio: z.number().default(1.5),
  hypervisor_type: z.string().default("fake"),
  hypervisor_version: z.number().default(1_000),
  duties: dutiesSchema.prefault({}),
  forced_down: z.boolean().default(false),
  /** Set: the service starts out disabled, for this reason. */
  disabled_reason: z.string().optional(),
});
export type HostSpec = z.input<typeof hostSchema>;

const flavorSchema = z.object({
  name: z.string(),
  vcpus: z.number(),
  ram: z.number(),
  disk: z.number(),
  extra_specs: z.record(z.string(), z.string()).default({}),
});
export type FlavorSpec = z.infer<typeof flavorSchema>;

export const VM_STATES = [
  "building",
  "active",
  "paused",
  "suspended",
  "stopped",
  "rescued",
  "resized",
  "shelved",
  "shelved_offloaded",
  "soft-delete",
  "error",
] as const;
export type VmState = (typeof VM_STATES)[number];

export const instanceSpecSchema = z.object({
  name: z.string(),
  project: z.string(),
  flavor: z.string(),
  /** Absent: the scheduler chooses. */
  host: z.string().optional(),
  group: z.string().optional(),
  metadata: z.record(z.string(), z.string()).default({}),
  vm_state: z.enum(VM_STATES).default("active"),
  locked: z.boolean().default(false),
  pinned_az: z.string().optional(),
  volumes: z.number().default(0),
  /** Of its one port. */
  vnic_type: z
    .enum(["normal", "direct", "direct-physical", "macvtap", "vdpa", "virtio-forwarder"])
    .default("normal"),
  /** Of the image it was booted from, which Nova tells from 2.98 on. */
  image_properties: z.record(z.string(), z.string()).default({}),
});
export type InstanceSpec = z.input<typeof instanceSpecSchema>;

const groupSchema = z.object({
  name: z.string(),
  project: z.string(),
  policy: z.enum(["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]),
  max_server_per_host: z.number().optional(),
});

export const cloudSpecSchema = z.object({
  region: z.string().default("RegionOne"),
  /** Where the catalog says that Lull is (service type maintenance), by region; {}: it does not say. */
  maintenance_endpoints: z.record(z.string(), z.url()).default({}),
  /** Where the catalog says that Heat is, without the project's id; null: there is none. It is not simulated. */
  orchestration: z.url().nullable().default(null),
  nova_microversion: z.string().default("2.93"),
  placement_microversion: z.string().default("1.39"),
  concurrent_live_migrations: z.number().default(1),
  /** Whether it has Aodh. */
  alarming: z.boolean().default(true),
  /** Whether shelving takes a server from its host at once (Nova's shelved_offload_time is 0). */
  offloads_shelved: z.boolean().default(true),
  /**
   * Roles for which the services' policy `context_is_admin` holds. Without it a role cannot so much
   * as look at another project's server, whatever other policies say.
   */
  context_is_admin: z.array(z.string()).default(["admin", "maintenance_operator"]),
  /** How long a token lives. */
  token_ms: z.number().default(14_400_000),
  timing: timingSchema.prefault({}),
  hosts: z.array(hostSchema),
  flavors: z.array(flavorSchema),
  /**
   * Each has one user, who is a member; the user's password is `password`. Besides them there are
   * `admin` and `lull`, whose only role is maintenance_operator.
   */
  projects: z.array(z.object({ name: z.string(), user: z.string() })),
  password: z.string().default("lab"),
  groups: z.array(groupSchema).default([]),
  /** Besides one for each zone that is not Nova's default. */
  aggregates: z
    .array(
      z.object({
        name: z.string(),
        hosts: z.array(z.string()),
        metadata: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default([]),
  /** When everybody's application credential ends, RFC 3339; null: never. */
  application_credential_expires_at: z.iso.datetime().nullable().default(null),
  /**
   * How long the scheduler goes on to believe that a guest is where it was before a live migration:
   * so long anti-affinity keeps its group away from there.
   */
  stale_scheduler_ms: z.number().default(0),
  instances: z.array(instanceSpecSchema).default([]),
});
/** A cloud as it is at the start; what is left out has the lab's values. */
export type CloudSpec = z.input<typeof cloudSpecSchema>;
export type FullCloudSpec = z.infer<typeof cloudSpecSchema>;

const FLAVORS: FlavorSpec[] = [
  { name: "m1.tiny", vcpus: 1, ram: 512, disk: 1, extra_specs: {} },
  { name: "m1.small", vcpus: 1, ram: 2_048, disk: 20, extra_specs: {} },
  { name: "m1.medium", vcpus: 2, ram: 4_096, disk: 40, extra_specs: {} },
];

const PROJECTS = [
  { name: "alpha", user: "alice" },
  { name: "beta", user: "bob" },
  { name: "gamma", user: "carol" },
  { name: "delta", user: "dave" },
];

export type Size = {
  readonly hosts: number;
  readonly instances: number;
  readonly projects?: number;
  readonly zones?: readonly string[];
  /** Members of each project's anti-affinity group `spread`. */
  readonly spread?: number;
};

/**
 * A cloud of so many hosts `cmp-01`, `cmp-02` ... and instances `alpha-01`, `beta-01` ..., dealt in
 * turn over projects and hosts; the first of each project form its group `spread`. Change it to taste.
 */
export const cloudOf = ({
  hosts,
  instances,
  projects = 2,
  zones = ["nova"],
  spread = 3,
}: Size): CloudSpec & { hosts: HostSpec[]; instances: InstanceSpec[] } => {
  const share = Math.ceil(instances / projects);
  const digits = Math.max(2, String(hosts).length);
  const hostNames = range(hosts).map((index) => `cmp-${String(index + 1).padStart(digits, "0")}`);
  const owners = range(projects).map(
    (index) => PROJECTS[index] ?? { name: `project-${index + 1}`, user: `user-${index + 1}` },
  );
  return {
    flavors: FLAVORS,
    projects: owners,
    groups: owners.map(({ name: project }) => ({
      name: "spread",
      project,
      policy: "anti-affinity",
    })),
    hosts: hostNames.map((name, index) => ({ name, zone: zones[index % zones.length] ?? "nova" })),
    instances: range(instances).map((index) => {
      const project = owners[index % owners.length]?.name ?? "alpha";
      const number = Math.floor(index / owners.length) + 1;
      const grouped = number <= Math.min(spread, hosts);
      return {
        name: `${project}-${String(number).padStart(2, "0")}`,
        project,
        flavor: number === 1 ? "m1.small" : "m1.tiny",
        host: hostNames[((index % owners.length) * share + number - 1) % hosts] ?? "cmp-01",
        metadata: { tier: grouped ? "web" : "batch" },
        ...(grouped && { group: "spread" }),
      };
    }),
  };
};

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
