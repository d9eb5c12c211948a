import type { GroupConstraints, InstanceConstraints } from "../constraints.ts";
import { constraintsOf } from "../constraints.ts";
import { type HostRun, isActive, PHASES } from "../host-run.ts";
import { type Guest, type Movability, movabilityOf } from "../instances.ts";
import { secondsUntil } from "../instant.ts";
import type { Move } from "../move.ts";
import { refusedNow } from "../refusals.ts";
import type { Session } from "../session.ts";
import { lastEndOf } from "../windows.ts";
import type {
  Cluster,
  ClusterGroup,
  ClusterHost,
  ClusterInstance,
  Fate,
  GroupPolicy,
  HostJob,
  MoveInFlight,
  Rules,
} from "./cluster.ts";
import { type Durations, moveSeconds } from "./durations.ts";
import { kindOf } from "./places.ts";

/** Amounts by Placement's resource class. */
type Amounts = Readonly<Record<string, number>>;

/** A host as inventory, Nova and Placement tell of it. */
export type FleetHost = {
  readonly name: string;
  readonly zone: string;
  readonly cell: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: number;
  readonly capacity: Amounts;
  readonly used: Amounts;
  /** Its nova-compute is enabled and up, and no other session owns it. */
  readonly takes: boolean;
};

/** An instance, where it is, what it holds there, and what its owner has said of it. */
export type FleetInstance = {
  readonly guest: Guest;
  readonly host: string;
  /** What Placement has allocated to it on its host; null where that is not known. */
  readonly holds: Amounts | null;
  readonly constraints: InstanceConstraints | null;
};

/** A server group of Nova. */
type FleetGroup = {
  readonly id: string;
  readonly policy: string | null;
  readonly members: readonly string[];
  /** Nova's max_server_per_host; null = not said. */
  readonly most: number | null;
};

export type Fleet = {
  readonly hosts: readonly FleetHost[];
  readonly instances: readonly FleetInstance[];
  readonly groups: readonly FleetGroup[];
  /** Groups of which their owners said what they bear, by id. */
  readonly constraints: ReadonlyMap<string, GroupConstraints>;
};

/** How far the session has come; nothing of both while it is not open. */
export type Standing = {
  readonly runs: readonly HostRun[];
  readonly moves: readonly Move[];
};

type Options = {
  readonly durations: Durations;
  /** Moves that a host takes part in at once. */
  readonly slots: number;
  /** t = 0 of the plan. */
  readonly now: string;
};

/** Why an instance may not be moved: its rule, and what to do. */
type Obstacle = { readonly rule: string; readonly what_to_do: string };

export type Snapshot = {
  readonly cluster: Cluster;
  readonly rules: Rules;
  /** Names of the cluster's instances, by index. */
  readonly names: readonly string[];
  /** Of instances that are pinned, by index. */
  readonly obstacles: ReadonlyMap<number, Obstacle>;
  /** Hosts of the session of which Placement knows nothing: they are in no plan. */
  readonly unknown: readonly string[];
};

/**
 * What a session is planned for: the hosts of its zones, its instances, and those elsewhere that
 * share a group with them. What becomes of an instance is decided as pre-flight decides it.
 *
 * A host outside the session gives nothing away, and takes only if the session's `targets` allow.
 */
export const snapshotOf = (
  session: Session,
  fleet: Fleet,
  standing: Standing,
  options: Options,
): Snapshot => {
  const runs = new Map(standing.runs.map((run) => [run.host, run]));
  const ours = new Set(session.hosts);
  const zones = new Set(fleet.hosts.flatMap(({ name, zone }) => (ours.has(name) ? [zone] : [])));
  const hosts = fleet.hosts.filter(({ zone }) => zones.has(zone));
  const numbers = new Map(hosts.map(({ name }, number) => [name, number]));
  const jobs = new Map(
    hosts.map(({ name }) => [name, ours.has(name) ? jobOf(runs.get(name)) : ("none" as const)]),
  );
  const isLeft = ({ guest, host }: FleetInstance) =>
    isToLeave(jobs.get(host)) && movabilityOf(guest, session.policies).kind === "offload";
  const offloaded = fleet.instances.filter(isLeft);
  const seated = withGroups(fleet, jobs).filter(({ instance }) => !isLeft(instance));
  const resources = [...new Set(seated.flatMap(({ instance }) => Object.keys(needsOf(instance))))];
  const groups = [...new Map(seated.flatMap((one) => one.groups.map((g) => [g.name, g]))).values()];
  const groupNumbers = new Map(groups.map(({ name }, number) => [name, number]));
  const moves = new Map(standing.moves.map((move) => [`${move.host}/${move.instance_id}`, move]));
  const obstacles = new Map<number, Obstacle>();

  const toHost = (host: FleetHost): ClusterHost => {
    const job = jobs.get(host.name) ?? "none";
    const gone = offloaded.filter((one) => one.host === host.name);
    return {
      name: host.name,
      zone: host.zone,
      cell: host.cell,
      version: host.version,
      capacity: resources.map((name) => host.capacity[name] ?? 0),
      used: resources.map((name) =>
        gone.reduce((sum, one) => sum - (needsOf(one)[name] ?? 0), host.used[name] ?? 0),
      ),
      takes: takesInstances(session, host, runs.get(host.name)),
      job,
      work_seconds: workSeconds(options, runs.get(host.name), job),
      kinds: ours.has(host.name) ? kindsOf(session, host) : [],
    };
  };

  const toInstance = ({ instance, groups: own }: Seated, number: number): ClusterInstance => {
    const { guest, host } = instance;
    const move = moves.get(`${host}/${guest.id}`);
    const movability = movabilityOf(guest, session.policies);
    const fate = fateOf(movability, jobs.get(host) ?? "none");
    if (fate === "pinned" && movability.kind === "blocked") obstacles.set(number, movability);
    return {
      id: guest.id,
      host: numbers.get(host) ?? -1,
      needs: resources.map((name) => needsOf(instance)[name] ?? 0),
      move_seconds: moveSeconds(options.durations.moves, guest.needs.MEMORY_MB),
      groups: own.flatMap(({ name }) => groupNumbers.get(name) ?? []),
      lead_seconds: leadSeconds(instance, fleet.constraints),
      refused: refusedNow(move?.refusals ?? [], options.now).flatMap(
        (name) => numbers.get(name) ?? [],
      ),
      fate,
    };
  };

  return {
    cluster: {
      resources,
      hosts: hosts.map(toHost),
      instances: seated.map(toInstance),
      groups,
      moves: seated.flatMap(({ instance }, number): MoveInFlight[] => {
        const move = moves.get(`${instance.host}/${instance.guest.id}`);
        const to = numbers.get(move?.destination_host ?? "");
        if (move?.state !== "moving" || to === undefined) return [];
        const expected = moveSeconds(options.durations.moves, instance.guest.needs.MEMORY_MB);
        const gone = secondsUntil(move.started_at ?? options.now, options.now);
        return [{ instance: number, to, seconds: Math.max(1, expected - gone) }];
      }),
    },
    rules: rulesOf(session, hosts, options),
    names: seated.map(({ instance }) => instance.guest.name),
    obstacles,
    unknown: session.hosts.filter((name) => !numbers.has(name)),
  };
};

/** Where a host stands; one that was put back, or left for a human, is no longer part of it. */
const jobOf = (run: HostRun | undefined): HostJob => {
  if (run === undefined || run.phase === "WAITING" || run.phase === "CORDONED") return "waiting";
  if (run.phase === "FINISHED")
    return run.outcome === "maintained" || run.outcome === "released" ? "done" : "none";
  return PHASES.indexOf(run.phase) < PHASES.indexOf("IN_MAINTENANCE") ? "emptying" : "working";
};

const isToLeave = (job: HostJob | undefined): boolean => job === "waiting" || job === "emptying";

/** Hosts that Lull has taken out of scheduling take instances again once they have been maintained. */
const takesInstances = (
  { targets, retire, hosts, session_id }: Session,
  { name, takes }: FleetHost,
  run: HostRun | undefined,
): boolean => {
  if (targets.length > 0 && !targets.includes(name)) return false;
  if (retire && hosts.includes(name)) return false;
  const isOurs = run !== undefined && run.session_id === session_id && isActive(run);
  return isOurs ? run.prior?.status !== "disabled" : takes;
};

const workSeconds = (
  { durations, now }: Options,
  run: HostRun | undefined,
  job: HostJob,
): number => {
  const { seconds } = durations.work;
  const since = job === "working" ? run?.work_started_at : null;
  return since ? Math.max(1, seconds - secondsUntil(since, now)) : seconds;
};

const kindsOf = ({ max_parallel_per }: Session, host: FleetHost): string[] =>
  Object.keys(max_parallel_per).flatMap((by) => kindOf(host, by) ?? []);

const rulesOf = (session: Session, hosts: readonly FleetHost[], { slots, now }: Options): Rules => {
  const end = lastEndOf(session);
  return {
    slots,
    max_parallel_hosts: session.max_parallel_hosts,
    max_parallel_per: Object.fromEntries(
      Object.entries(session.max_parallel_per).flatMap(([by, most]) =>
        hosts.flatMap((host) => {
          const kind = kindOf(host, by);
          return kind === null ? [] : [[kind, most]];
        }),
      ),
    ),
    same_zone: true,
    reserve_hosts: session.reserve_hosts,
    ends_in_seconds: end === null ? null : Math.max(0, secondsUntil(now, end)),
  };
};

/** What becomes of it in the plan; only hosts that are to be emptied give anything away. */
const fateOf = ({ kind }: Movability, job: HostJob): Fate => {
  if (job === "working") return "stays";
  if (!isToLeave(job)) return "pinned";
  if (kind === "stay" || kind === "stop_start") return "stays";
  return kind === "blocked" ? "pinned" : "moves";
};

/** As Placement says, else as its flavor does. */
const needsOf = ({ holds, guest }: FleetInstance): Amounts => holds ?? guest.needs;

const leadSeconds = (
  { constraints }: FleetInstance,
  groups: ReadonlyMap<string, GroupConstraints>,
): number => constraintsOf(constraints, groups.get(constraints?.group_id ?? "") ?? null).lead_time;

type Seated = { readonly instance: FleetInstance; readonly groups: readonly ClusterGroup[] };

/** The session's instances and those that share a group with them, each with its groups. */
const withGroups = (fleet: Fleet, jobs: ReadonlyMap<string, HostJob>): Seated[] => {
  const groupsOf = new Map<string, ClusterGroup[]>();
  const put = (id: string, group: ClusterGroup) =>
    groupsOf.set(id, [...(groupsOf.get(id) ?? []), group]);
  for (const group of fleet.groups) {
    const rules = ofNova(group);
    if (rules !== null) for (const id of group.members) put(id, rules);
  }
  for (const { guest, constraints } of fleet.instances) {
    const group = fleet.constraints.get(constraints?.group_id ?? "");
    const isOwn =
      constraints?.project_id === guest.projectId && group?.project_id === guest.projectId;
    if (group !== undefined && isOwn) put(guest.id, ofProject(group));
  }
  const seated = fleet.instances
    .filter(({ host }) => jobs.has(host))
    .map((instance) => ({ instance, groups: groupsOf.get(instance.guest.id) ?? [] }));
  const isOurs = ({ instance }: Seated) => {
    const job = jobs.get(instance.host);
    return isToLeave(job) || job === "working";
  };
  const concerned = new Set(seated.filter(isOurs).flatMap(({ groups }) => names(groups)));
  return seated.filter(
    (one) => isOurs(one) || names(one.groups).some((name) => concerned.has(name)),
  );
};

const names = (groups: readonly ClusterGroup[]): string[] => groups.map(({ name }) => name);

const POLICIES: readonly GroupPolicy[] = [
  "anti-affinity",
  "affinity",
  "soft-anti-affinity",
  "soft-affinity",
];

/** Of a hard anti-affinity group one member at a time is moved; a hard affinity group pins its members. */
const ofNova = ({ id, policy, most }: FleetGroup): ClusterGroup | null => {
  const known = POLICIES.find((one) => one === policy);
  if (known === undefined) return null;
  const isApart = known === "anti-affinity";
  return {
    name: id,
    policy: known,
    max_instances_per_host: isApart ? (most ?? 1) : 0,
    max_impacted_members: isApart ? 1 : 0,
    recovery_seconds: 0,
  };
};

/** Anyone may name any group: what is counted for one project never holds up another. */
const ofProject = (group: GroupConstraints): ClusterGroup => ({
  name: `${group.project_id}/${group.group_id}`,
  policy: group.anti_affinity_group ? "anti-affinity" : null,
  max_instances_per_host: group.max_instances_per_host,
  max_impacted_members: group.max_impacted_members,
  recovery_seconds: group.recovery_time,
});
