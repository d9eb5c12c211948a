/**
 * Amounts of Placement's resource classes, in the order of `Cluster.resources`; whole numbers in the
 * units of Placement (MEMORY_MB in MiB, VCPU in processors, DISK_GB in GiB, custom classes in pieces).
 */
export type Quantities = readonly number[];

/** What a plan is made for: hosts, what is on them, and what is on its way already. */
export type Cluster = {
  /** Resource classes that are counted, e.g. `["MEMORY_MB", "VCPU"]`. */
  readonly resources: readonly string[];
  readonly hosts: readonly ClusterHost[];
  readonly instances: readonly ClusterInstance[];
  readonly groups: readonly ClusterGroup[];
  /** Moves that run at t = 0; their targets are kept. */
  readonly moves: readonly MoveInFlight[];
};

/**
 * Where a host stands at t = 0: it is not part of the session, has not begun, has not begun and takes
 * nothing meanwhile, is being emptied (or waits empty for its work), is at work, or has been maintained.
 */
export type HostJob = "none" | "waiting" | "cordoned" | "emptying" | "working" | "done";

/** Whether the host is still to be emptied and worked on. */
export const isToDo = ({ job }: Pick<ClusterHost, "job">): boolean =>
  job === "waiting" || job === "cordoned" || job === "emptying";

export type ClusterHost = {
  readonly name: string;
  readonly zone: string;
  /** Nothing moves from one cell to another; null = unknown, and no obstacle. */
  readonly cell: string | null;
  /** Of the hypervisor, as Nova numbers it; nothing moves to a lower one. */
  readonly version: number;
  /** (total - reserved) x allocation ratio. */
  readonly capacity: Quantities;
  /** Taken at t = 0, by the instances listed and by whatever else. */
  readonly used: Quantities;
  /** Whether it may take instances at all: enabled, up, of no other session, a target of this one. */
  readonly takes: boolean;
  /**
   * What it is to the reserve of its zone while it is not open: its free room counts (`spare`), also
   * where nothing is moved to it; or what is on it has to find room, too, because another session is
   * emptying it (`burden`); or nothing.
   */
  readonly reserve: "spare" | "burden" | "none";
  readonly job: HostJob;
  /** How long its work takes; of a host at work, how long it still takes. */
  readonly work_seconds: number;
  /** What it counts for in `max_parallel_per`, e.g. `["rack=r1"]`. */
  readonly kinds: readonly string[];
};

/** What may be done with an instance: `stays` goes down with its host, `pinned` keeps it from being emptied. */
export type Fate = "moves" | "stays" | "pinned";

export type ClusterInstance = {
  readonly id: string;
  /** Index of its host; of the source, while it moves. */
  readonly host: number;
  readonly needs: Quantities;
  /** How long its move is expected to take. */
  readonly move_seconds: number;
  /** Indexes of its groups. */
  readonly groups: readonly number[];
  /** It may move this long after its host has been opened: its owner is told and may answer. */
  readonly lead_seconds: number;
  /** Indexes of hosts that refused it before. */
  readonly refused: readonly number[];
  readonly fate: Fate;
};

type GroupPolicy = "anti-affinity" | "affinity" | "soft-anti-affinity" | "soft-affinity";

/** Server groups of Nova and instance groups of Fenix (FEAT03) are the same here. */
export type ClusterGroup = {
  readonly name: string;
  readonly policy: GroupPolicy | null;
  /** Members on one host, in flight counted on both ends; 0 = as many as fit. With `anti-affinity`, Nova's max_server_per_host. */
  readonly max_instances_per_host: number;
  /** Members that move or are down at once; 0 = as many as like. */
  readonly max_impacted_members: number;
  /** After a member's interruption no other begins for so long. */
  readonly recovery_seconds: number;
};

export type MoveInFlight = {
  /** Index of the instance. */
  readonly instance: number;
  /** Index of the host. */
  readonly to: number;
  readonly seconds: number;
};

/** What a plan has to keep besides the room there is. */
export type Rules = {
  /** Moves that a host takes part in at once, in and out together. */
  readonly slots: number;
  /** Hosts that are being emptied or at work at once; null = no limit. */
  readonly max_parallel_hosts: number | null;
  /** The same for hosts of one kind, by the name of the kind. */
  readonly max_parallel_per: Readonly<Record<string, number>>;
  /** Whether instances stay in their zone. */
  readonly same_zone: boolean;
  /** Zones whose hosts are opened before those of others, as far as nothing else speaks against it. */
  readonly zone_order: readonly string[];
  /** So many times the largest host of a zone stays free there on hosts that are not open, beyond all that open ones hold. */
  readonly reserve_hosts: number;
  /** Of these resource classes. */
  readonly reserve_of: readonly string[];
  /** No host is opened that would not be done by then; null = open end. */
  readonly ends_in_seconds: number | null;
};
