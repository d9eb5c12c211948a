import type {
  Cluster,
  ClusterGroup,
  ClusterHost,
  ClusterInstance,
  Fate,
  HostJob,
  MoveInFlight,
  Rules,
} from "../../lib/domain/plan/cluster.ts";
import { mayStart } from "./move-rules.ts";
import { type Random, randomOf } from "./random.ts";
import { at, mostOnOneHost, worldOf } from "./world.ts";

/**
 * A small cluster with everything a plan has to heed, and the rules for its plan; legal at t = 0.
 * The same seed gives the same cluster.
 */
export const random = (seed: number): { cluster: Cluster; rules: Rules } => {
  const dice = randomOf(seed);
  const resources = ["MEMORY_MB", "VCPU", "CUSTOM_LICENCE"].slice(0, dice.whole(1, 3));
  const bare = Array.from({ length: dice.whole(3, 7) }, (_, n) => hostOf(dice, n, resources));
  const { load, cells } = { load: 0.3 + 0.6 * dice.next(), cells: dice.chance(0.2) };
  const hosts = bare.map((host) => ({ ...host, cell: cells ? dice.pick(["c1", "c2"]) : null }));
  const instances = hosts.flatMap((_, host) => guestsOf(dice, { hosts, host, load }));
  const { members, groups } = groupsOf(dice, instances, hosts);
  const settled = {
    resources,
    hosts: hosts.map((host, n) => ({ ...host, used: usedOf(dice, host, onHost(members, n)) })),
    instances: members,
    groups,
    moves: [],
  };
  const rules = rulesOf(dice, settled);
  return { cluster: withMoves(dice, settled, rules), rules };
};

const JOBS: readonly HostJob[] = [
  ...Array<HostJob>(8).fill("waiting"),
  "cordoned",
  "emptying",
  "working",
  "done",
  "none",
];

/** Only what is no part of the session may be another one's. */
const WEIGHTED_STANDINGS: readonly Pick<ClusterHost, "job" | "reserve">[] = [
  { job: "none", reserve: "burden" },
  { job: "none", reserve: "none" },
  ...[JOBS, JOBS].flat().map((job) => ({ job, reserve: "spare" as const })),
];

const hostOf = (dice: Random, n: number, resources: readonly string[]): ClusterHost => {
  const size = dice.pick([1, 1, 2]);
  return {
    name: `host-${n}`,
    zone: dice.pick(["z1", "z1", "z2"]),
    cell: null,
    version: dice.pick([2, 2, 2, 2, 1]),
    capacity: [size * 64, size * 32, size * 8].slice(0, resources.length),
    used: [],
    takes: dice.chance(0.93),
    ...dice.pick(WEIGHTED_STANDINGS),
    work_seconds: dice.pick([600, 900, 1800]),
    kinds: dice.chance(0.5) ? [`rack=r${n % 2}`] : [],
  };
};

const guestsOf = (
  dice: Random,
  {
    hosts,
    host,
    load,
  }: { readonly hosts: readonly ClusterHost[]; readonly host: number; readonly load: number },
): ClusterInstance[] => {
  const { capacity, job } = at(hosts, host);
  const guests: ClusterInstance[] = [];
  for (let tries = dice.whole(0, 6); tries > 0; tries--) {
    const memory = dice.pick([4, 8, 8, 16, 24]);
    const needs = [memory, Math.ceil(memory / dice.pick([2, 4])), dice.pick([0, 0, 1])];
    const guest: ClusterInstance = {
      id: `instance-${host}-${tries}`,
      host,
      needs: needs.slice(0, capacity.length),
      move_seconds: memory + 8,
      groups: [],
      lead_seconds: dice.pick([0, 0, 0, 60, 300]),
      refused: [...hosts.keys()].filter((other) => other !== host && dice.chance(0.05)),
      fate: job === "working" ? "stays" : fateOf(dice),
    };
    const isRoom = capacity.every(
      (total, r) =>
        total * load >= [...guests, guest].reduce((sum, one) => sum + at(one.needs, r), 0),
    );
    if (isRoom) guests.push(guest);
  }
  return guests;
};

const fateOf = (dice: Random): Fate => {
  if (dice.chance(0.04)) return "stays";
  return dice.chance(0.02) ? "pinned" : "moves";
};

const onHost = (instances: readonly ClusterInstance[], host: number) =>
  instances.filter((instance) => instance.host === host);

/** What is used by the instances of a host, sometimes with something else that nobody listed. */
const usedOf = (
  dice: Random,
  { capacity }: ClusterHost,
  guests: readonly ClusterInstance[],
): number[] => {
  const foreign = dice.chance(0.15) ? 2 : 0;
  return capacity.map((total, r) => {
    const listed = guests.reduce((sum, { needs }) => sum + at(needs, r), 0);
    return Math.min(total, listed + foreign);
  });
};

const groupsOf = (
  dice: Random,
  instances: readonly ClusterInstance[],
  hosts: readonly ClusterHost[],
): { members: ClusterInstance[]; groups: ClusterGroup[] } => {
  const members = [...instances];
  const groups = Array.from({ length: dice.whole(0, 4) }, (_, n): ClusterGroup => {
    const group = groupOf(dice, n);
    for (const [id, instance] of chosenFor(dice, group, members, hosts))
      members[id] = { ...instance, groups: [...instance.groups, n] };
    return group;
  });
  return { members, groups };
};

const groupOf = (dice: Random, n: number): ClusterGroup => {
  const policy = dice.pick([
    "anti-affinity",
    "anti-affinity",
    "affinity",
    "soft-anti-affinity",
    "soft-affinity",
    null,
  ] as const);
  return {
    name: `group-${n}`,
    policy,
    max_instances_per_host: policy === "affinity" ? 0 : dice.pick([0, 0, 2]),
    max_impacted_members: dice.pick([0, 1, 2]),
    recovery_seconds: dice.pick([0, 0, 30, 120]),
  };
};

/** Instances that may be members of a group where they are. */
const chosenFor = (
  dice: Random,
  group: ClusterGroup,
  instances: readonly ClusterInstance[],
  hosts: readonly ClusterHost[],
): [number, ClusterInstance][] => {
  const isAffine = group.policy === "affinity";
  const home = dice.whole(0, hosts.length - 1);
  const chosen: [number, ClusterInstance][] = [];
  const size = dice.whole(2, 4);
  for (const [id, instance] of dice.shuffled([...instances.entries()])) {
    const onOne = chosen.filter(([, other]) => other.host === instance.host);
    const fits = isAffine
      ? instance.host === home && instance.fate === "moves" && instance.groups.length === 0
      : onOne.length < mostOnOneHost(group);
    // Those that go down with one host are impacted together.
    const isDownAlone =
      instance.fate !== "stays" || !chosen.some(([, { fate }]) => fate === "stays");
    if (chosen.length < size && fits && isDownAlone) chosen.push([id, instance]);
  }
  return chosen;
};

const rulesOf = (dice: Random, { hosts }: Cluster): Rules => {
  const open = hosts.filter(({ job }) => job === "emptying" || job === "working");
  const limit = dice.pick([null, null, 1, 2, 3]);
  return {
    slots: dice.whole(1, 3),
    max_parallel_hosts: limit === null ? null : Math.max(limit, open.length),
    max_parallel_per: dice.chance(0.3) ? { "rack=r0": Math.max(1, open.length) } : {},
    same_zone: dice.chance(0.3),
    zone_order: dice.chance(0.3) ? ["z2", "z1"] : [],
    reserve_hosts: dice.pick([0, 0, 0, 1]),
    reserve_of: ["MEMORY_MB", "VCPU"],
    ends_in_seconds: dice.pick([null, null, null, 3000, 10_000]),
  };
};

/** The cluster with some moves that have begun, each of which was allowed to. */
const withMoves = (dice: Random, settled: Cluster, rules: Rules): Cluster => {
  let cluster = settled;
  for (let tries = dice.pick([0, 0, 0, 1, 2]); tries > 0; tries--) {
    const instance = dice.whole(0, cluster.instances.length - 1);
    const to = dice.whole(0, cluster.hosts.length - 1);
    const move = { instance, to, seconds: dice.whole(1, 40) };
    if (mayBegin(cluster, rules, move)) cluster = begun(cluster, move);
  }
  return cluster;
};

const mayBegin = (cluster: Cluster, rules: Rules, { instance, to }: MoveInFlight): boolean => {
  const mover = cluster.instances[instance];
  if (mover === undefined || mover.host === to) return false;
  const isBound = mover.groups.some((group) => at(cluster.groups, group).policy === "affinity");
  const isMoving = cluster.moves.some((move) => move.instance === instance);
  return (
    !isBound && !isMoving && mayStart(worldOf(cluster, rules), { instance, from: mover.host, to })
  );
};

const begun = (cluster: Cluster, move: MoveInFlight): Cluster => ({
  ...cluster,
  moves: [...cluster.moves, move],
  hosts: cluster.hosts.map((host, n) => ({
    ...host,
    used:
      n === move.to
        ? host.used.map((used, r) => used + at(at(cluster.instances, move.instance).needs, r))
        : host.used,
  })),
});
