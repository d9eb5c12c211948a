import { constraintsOf, type GroupConstraints, type InstanceConstraints } from "../constraints.ts";
import { type HostRun, isActive, PHASES } from "../host-run.ts";
import { type Guest, type Movability, movabilityOf } from "../instances.ts";
import { secondsUntil } from "../instant.ts";
import { givenUp, type Move } from "../move.ts";
import { type Fitness, hostBlockerOf } from "../preflight.ts";
import { refusedNow } from "../refusals.ts";
import type { Session } from "../session.ts";
import { lastEndOf } from "../windows.ts";
import {
  type Cluster,
  type ClusterGroup,
  type ClusterHost,
  type ClusterInstance,
  type Fate,
  type HostJob,
  isToDo,
  type MoveInFlight,
  type Rules,
} from "./cluster.ts";
import { type Durations, moveSeconds } from "./durations.ts";
import { kindOf, takesPlace } from "./places.ts";
import { COUNTED } from "./reserve.ts";

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
  /** Another session is emptying it. */
  readonly leaves: boolean;
  /** As pre-flight looks at it; only hosts of the session are asked whether they do anything else. */
  readonly fitness: Fitness;
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
  /** Those that cannot be maintained as they are, whatever is on them: they stay as they are in the plan. */
  readonly unfit: readonly (Obstacle & { readonly host: string })[];
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
  const scene = sceneOf(session, fleet, standing, options);
  const [offloaded, seated] = seatedIn(fleet, scene);
  const groups = new Map(seated.flatMap((one) => one.groups.map((group) => [group.name, group])));
  const counted: Counted = {
    resources: [
      ...new Set([
        ...(session.reserve_hosts > 0 ? COUNTED : []),
        ...seated.flatMap(({ instance }) => Object.keys(needsOf(instance))),
      ]),
    ],
    groups: new Map([...groups.keys()].map((name, number) => [name, number])),
  };
  return {
    cluster: {
      resources: counted.resources,
      hosts: scene.hosts.map((host) => toHost(scene, host, counted, offloaded)),
      instances: seated.map((one) => toInstance(scene, one, counted)),
      groups: [...groups.values()],
      moves: seated.flatMap(({ instance }, number) => moveInFlight(scene, instance, number)),
    },
    rules: rulesOf(scene),
    names: seated.map(({ instance }) => instance.guest.name),
    obstacles: new Map(
      seated.flatMap(({ instance }, number) => {
        const obstacle = obstacleTo(scene, instance);
        return obstacle === null ? [] : [[number, obstacle]];
      }),
    ),
    unknown: session.hosts.filter((name) => !scene.numbers.has(name)),
    unfit: [...scene.unfit].map(([host, obstacle]) => ({ host, ...obstacle })),
  };
};

/** What everything is looked up in while a snapshot is put together. */
type Scene = {
  readonly session: Session;
  readonly options: Options;
  /** Those of the session's zones. */
  readonly hosts: readonly FleetHost[];
  /** Their indexes, by name. */
  readonly numbers: ReadonlyMap<string, number>;
  readonly jobs: ReadonlyMap<string, HostJob>;
  /** What keeps hosts from being maintained that are still to be, by name. */
  readonly unfit: ReadonlyMap<string, Obstacle>;
  readonly runs: ReadonlyMap<string, HostRun>;
  readonly moves: ReadonlyMap<string, Move>;
};

const sceneOf = (session: Session, fleet: Fleet, standing: Standing, options: Options): Scene => {
  const runs = new Map(standing.runs.map((run) => [run.host, run]));
  const ours = new Set(session.hosts);
  const zones = new Set(fleet.hosts.flatMap(({ name, zone }) => (ours.has(name) ? [zone] : [])));
  const hosts = fleet.hosts.filter(({ zone }) => zones.has(zone));
  const jobs = new Map(
    hosts.map(({ name }) => [name, ours.has(name) ? jobOf(runs.get(name)) : "none"]),
  );
  const unfit = new Map(
    hosts.flatMap((host) => {
      const obstacle = isToLeave(jobs.get(host.name)) ? hostObstacleTo(session, host) : null;
      return obstacle === null ? [] : [[host.name, obstacle]];
    }),
  );
  return {
    session,
    options,
    hosts,
    numbers: new Map(hosts.map(({ name }, number) => [name, number])),
    jobs: new Map([...jobs].map(([name, job]) => [name, unfit.has(name) ? "none" : job])),
    unfit,
    runs,
    moves: new Map(standing.moves.map((move) => [moveKey(move.host, move.instance_id), move])),
  };
};

/** Duties are looked at before a session begins; whatever else stops its pre-flight also stops it later. */
const hostObstacleTo = (
  { accept_duties, claimed_at }: Session,
  { fitness }: FleetHost,
): Obstacle | null => {
  const rules = { accept_duties: accept_duties || claimed_at !== null };
  const blocker = hostBlockerOf(fitness, rules);
  return blocker && { rule: blocker.code, what_to_do: blocker.message };
};

const moveKey = (host: string, instanceId: string): string => `${host}/${instanceId}`;

/** What is counted, in the order of the cluster's indexes. */
type Counted = {
  readonly resources: readonly string[];
  /** Indexes of groups by name. */
  readonly groups: ReadonlyMap<string, number>;
};

/** @param offloaded what leaves hosts without a target: its room is free already */
const toHost = (
  scene: Scene,
  host: FleetHost,
  { resources }: Counted,
  offloaded: readonly FleetInstance[],
): ClusterHost => {
  const { session, options, jobs, runs } = scene;
  const { name, zone, cell, version } = host;
  const job = jobs.get(name) ?? "none";
  const gone = offloaded.filter((one) => one.host === name);
  return {
    name,
    zone,
    cell,
    version,
    capacity: resources.map((resource) => host.capacity[resource] ?? 0),
    used: resources.map((resource) =>
      gone.reduce((sum, one) => sum - (needsOf(one)[resource] ?? 0), host.used[resource] ?? 0),
    ),
    takes: isTarget(session, name) && isInService(scene, host),
    reserve: reserveOf(scene, host),
    job,
    work_seconds: workSeconds(options, runs.get(name), job),
    kinds: session.hosts.includes(name) ? kindsOf(session, host) : [],
  };
};

const toInstance = (
  scene: Scene,
  { instance, groups }: Seated,
  counted: Counted,
): ClusterInstance => {
  const { options, numbers } = scene;
  const { guest, host } = instance;
  const refusals = moveOf(scene, instance)?.refusals ?? [];
  return {
    id: guest.id,
    host: numbers.get(host) ?? -1,
    needs: counted.resources.map((resource) => needsOf(instance)[resource] ?? 0),
    move_seconds: moveSeconds(options.durations.moves, guest.needs.MEMORY_MB),
    groups: groups.flatMap(({ name }) => counted.groups.get(name) ?? []),
    lead_seconds: constraintsOf(saidOf(instance), null).lead_time,
    refused: refusedNow(refusals, options.now).flatMap((name) => numbers.get(name) ?? []),
    fate: fateOf(scene, instance),
  };
};

const moveInFlight = (scene: Scene, seated: FleetInstance, instance: number): MoveInFlight[] => {
  const { numbers } = scene;
  const { durations, now } = scene.options;
  const { guest } = seated;
  const move = moveOf(scene, seated);
  const to = numbers.get(move?.destination_host ?? "");
  if (move?.state !== "moving" || to === undefined) return [];
  const gone = secondsUntil(move.started_at ?? now, now);
  const expected = moveSeconds(durations.moves, guest.needs.MEMORY_MB);
  return [{ instance, to, seconds: Math.max(SHORTEST_SECONDS, expected - gone) }];
};

/** What should have ended by now ends in a moment. */
const SHORTEST_SECONDS = 1;

/** Where a host stands; one that was put back, or left for a human, is no longer part of it. */
const jobOf = (run: HostRun | undefined): HostJob => {
  if (run === undefined || run.phase === "WAITING") return "waiting";
  if (isActive(run) && !takesPlace(run)) return "cordoned";
  const { phase, outcome, waits_again } = run;
  if (outcome === "failed" || outcome === "restored") return "none";
  if (phase === "FINISHED") return outcome === "retired" ? "none" : "done";
  if (PHASES.indexOf(phase) < PHASES.indexOf("IN_MAINTENANCE")) return "emptying";
  return waits_again ? "waiting" : "working";
};

const isToLeave = (job: HostJob = "none"): boolean => isToDo({ job });

const isTarget = ({ targets }: Session, name: string): boolean =>
  targets.length === 0 || targets.includes(name);

/** Hosts of another session are a burden to the reserve, for as long as nobody knows when they are empty. */
const reserveOf = (scene: Scene, host: FleetHost): ClusterHost["reserve"] => {
  if (host.leaves) return "burden";
  return isInService(scene, host) ? "spare" : "none";
};

/** Hosts that Lull has taken out of scheduling are in service again once they have been maintained. */
const isInService = ({ session, runs, unfit }: Scene, { name, takes }: FleetHost): boolean => {
  const { retire, hosts, session_id } = session;
  if (retire && hosts.includes(name)) return false;
  const run = runs.get(name);
  const isOurs = run !== undefined && run.session_id === session_id && isActive(run);
  return isOurs ? !unfit.has(name) && run.prior?.status !== "disabled" : takes;
};

const workSeconds = (
  { durations, now }: Options,
  run: HostRun | undefined,
  job: HostJob,
): number => {
  const { seconds } = durations.work;
  const since = job === "working" ? run?.work_started_at : null;
  return since ? Math.max(SHORTEST_SECONDS, seconds - secondsUntil(since, now)) : seconds;
};

const kindsOf = ({ max_parallel_per }: Session, host: FleetHost): string[] =>
  Object.keys(max_parallel_per).flatMap((by) => kindOf(host, by) ?? []);

const rulesOf = ({ session, hosts, options: { slots, now } }: Scene): Rules => {
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
    zone_order: [],
    reserve_hosts: session.reserve_hosts,
    reserve_of: COUNTED,
    ends_in_seconds: end === null ? null : Math.max(0, secondsUntil(now, end)),
  };
};

/** What becomes of it in the plan; only hosts that are to be emptied give anything away. */
const fateOf = (scene: Scene, instance: FleetInstance): Fate => {
  const job = scene.jobs.get(instance.host) ?? "none";
  if (job === "working") return "stays";
  if (!isToLeave(job) || obstacleTo(scene, instance) !== null) return "pinned";
  return isLeftThere(movabilityOf(instance.guest, scene.session.policies)) ? "stays" : "moves";
};

const isLeftThere = ({ kind }: Movability): boolean => kind === "stay" || kind === "stop_start";

/** What keeps an instance that is to leave from being moved until somebody acts; null = nothing. */
const obstacleTo = (scene: Scene, instance: FleetInstance): Obstacle | null => {
  const { session, jobs } = scene;
  if (!isToLeave(jobs.get(instance.host))) return null;
  const movability = movabilityOf(instance.guest, session.policies);
  if (movability.kind === "blocked") return movability;
  const move = moveOf(scene, instance);
  if (move === undefined || move.state === "moving" || isLeftThere(movability)) return null;
  if (isToBeForgotten(session, move)) return null;

  // Tries before the last time they were forgotten are counted with the others.
  const end = givenUp(move, move.retried_at === null ? move.tries : 0);
  return end && { rule: end.rule, what_to_do: `${end.words}; lull maintenance retry tries anew` };
};

/** Whether an admin has had it tried anew, and its host has not come to that yet. */
const isToBeForgotten = ({ retried }: Session, { host, retried_at }: Move): boolean =>
  (retried[host] ?? "") > (retried_at ?? "");

/** The move of the instance from the host it is on, as far as the session has come. */
const moveOf = ({ moves }: Scene, { host, guest }: FleetInstance): Move | undefined =>
  moves.get(moveKey(host, guest.id));

/** As Placement says, else as its flavor does. */
const needsOf = ({ holds, guest }: FleetInstance): Amounts => holds ?? guest.needs;

/** What another project says of an instance does not count. */
const saidOf = ({ constraints, guest }: FleetInstance): InstanceConstraints | null =>
  constraints?.project_id === guest.projectId ? constraints : null;

type Seated = { readonly instance: FleetInstance; readonly groups: readonly ClusterGroup[] };

/** Instances that leave without a target, and the others that the plan is about, with their groups. */
const seatedIn = (fleet: Fleet, scene: Scene): [FleetInstance[], Seated[]] => {
  const { session, jobs } = scene;
  const isOffloaded = (one: FleetInstance) =>
    isToLeave(jobs.get(one.host)) &&
    movabilityOf(one.guest, session.policies).kind === "offload" &&
    obstacleTo(scene, one) === null;
  const isOurs = ({ instance: { host } }: Seated) =>
    isToLeave(jobs.get(host)) || jobs.get(host) === "working";
  const groupsOf = groupsByMember(fleet);
  const all = fleet.instances
    .filter((instance) => jobs.has(instance.host) && !isOffloaded(instance))
    .map((instance) => ({ instance, groups: groupsOf.get(instance.guest.id) ?? [] }));
  const concerned = new Set(all.filter(isOurs).flatMap(({ groups }) => namesOf(groups)));
  const seated = all.filter(
    (one) => isOurs(one) || namesOf(one.groups).some((name) => concerned.has(name)),
  );
  return [fleet.instances.filter(isOffloaded), seated];
};

const groupsByMember = (fleet: Fleet): Map<string, ClusterGroup[]> => {
  const groups = new Map<string, ClusterGroup[]>();
  const put = (id: string, group: ClusterGroup) =>
    groups.set(id, [...(groups.get(id) ?? []), group]);
  for (const group of fleet.groups) {
    const rules = ofNova(group);
    if (rules !== null) for (const id of group.members) put(id, rules);
  }
  for (const instance of fleet.instances) {
    const group = fleet.constraints.get(saidOf(instance)?.group_id ?? "");
    if (group?.project_id === instance.guest.projectId) put(instance.guest.id, ofProject(group));
  }
  return groups;
};

const namesOf = (groups: readonly ClusterGroup[]): string[] => groups.map(({ name }) => name);

const POLICIES: readonly ClusterGroup["policy"][] = [
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
