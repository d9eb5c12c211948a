import type {
  Cluster,
  ClusterGroup,
  ClusterHost,
  ClusterInstance,
  HostJob,
  Rules,
} from "../../lib/domain/plan/cluster.ts";

/** What a host does: it takes instances (`closed` or `done`), only waits, gives them away, or is at work. */
type Stage = "closed" | "shut" | "open" | "work" | "done";

export type Flight = {
  readonly from: number;
  readonly to: number;
  readonly started: number;
  readonly seconds: number;
};

/** The end of a member's interruption: no other member begins for a while. */
type Recovery = { readonly member: number; readonly ended: number };

/** The cluster at one instant of a timeline. Hosts, instances and groups go by their index. */
export type World = {
  readonly cluster: Cluster;
  readonly rules: Rules;
  t: number;
  /** Where an instance is; its source, while it moves. */
  readonly place: number[];
  readonly flights: Map<number, Flight>;
  readonly used: number[][];
  /** Moves that a host takes part in. */
  readonly busy: number[];
  readonly stage: Stage[];
  readonly opened_at: number[];
  readonly work_started: number[];
  readonly guests: Set<number>[];
  /** Per group: members on a host, by host; in flight they count on both ends. */
  readonly members: Map<number, number>[];
  readonly impacted: number[];
  readonly recoveries: Recovery[][];
  /** Per instance: those it has to stay together with, itself included. */
  readonly bonds: readonly (readonly number[])[][];
};

/** @throws when there is no such element: a defect of the verifier, not of the plan */
export const at = <T>(list: ArrayLike<T>, index: number): T => {
  const element = list[index];
  if (element === undefined) throw new RangeError(`nothing at ${index} of ${list.length}`);
  return element;
};

export const hostAt = ({ cluster }: World, host: number): ClusterHost => at(cluster.hosts, host);
export const instanceAt = ({ cluster }: World, instance: number): ClusterInstance =>
  at(cluster.instances, instance);

const STAGE: Record<HostJob, Stage> = {
  none: "closed",
  waiting: "closed",
  cordoned: "shut",
  emptying: "open",
  working: "work",
  done: "done",
};

/** The cluster at t = 0, with the moves that run already. */
export const worldOf = (cluster: Cluster, rules: Rules): World => {
  const { hosts, instances, groups } = cluster;
  const world: World = {
    cluster,
    rules,
    t: 0,
    place: instances.map(({ host }) => host),
    flights: new Map(),
    used: hosts.map(({ used }) => [...used]),
    busy: hosts.map(() => 0),
    stage: hosts.map(({ job }) => STAGE[job]),
    opened_at: hosts.map(() => 0),
    work_started: hosts.map(() => 0),
    guests: hosts.map(() => new Set()),
    members: groups.map(() => new Map()),
    impacted: groups.map(() => 0),
    recoveries: groups.map(() => []),
    bonds: bondsOf(cluster),
  };
  for (const [id, { host, groups: of }] of instances.entries()) {
    at(world.guests, host).add(id);
    for (const group of of) count(at(world.members, group), host, 1);
  }
  for (const host of hosts.keys()) if (at(world.stage, host) === "work") interrupt(world, host);
  for (const { instance, to, seconds } of cluster.moves) {
    // Placement has booked it on the target when it says what is used.
    depart(world, instance, { to, seconds });
  }
  return world;
};

/** Members of an affinity group that are on one host at t = 0 are bound to each other. */
const bondsOf = ({ instances, groups }: Cluster): World["bonds"] => {
  const bonds: number[][][] = instances.map(() => []);
  const together = new Map<string, number[]>();
  for (const [id, { host, groups: of }] of instances.entries())
    for (const group of of.filter((index) => at(groups, index).policy === "affinity")) {
      const bond = together.get(`${group} ${host}`) ?? [];
      together.set(`${group} ${host}`, bond);
      bond.push(id);
      at(bonds, id).push(bond);
    }
  return bonds;
};

/** The most members of a group on one host. */
export const mostOnOneHost = ({ policy, max_instances_per_host }: ClusterGroup): number => {
  if (max_instances_per_host > 0) return max_instances_per_host;
  return policy === "anti-affinity" ? 1 : Number.POSITIVE_INFINITY;
};

/** What is left of a resource on a host. */
export const freeOn = (world: World, host: number, resource: number): number =>
  at(hostAt(world, host).capacity, resource) - at(at(world.used, host), resource);

/** Where an instance is, or will be when its move ends. */
export const destination = (world: World, instance: number): number =>
  world.flights.get(instance)?.to ?? at(world.place, instance);

/** Instances on a host that have to leave it before its work. */
export const leaversOf = (world: World, host: number): number[] =>
  [...at(world.guests, host)].filter((id) => instanceAt(world, id).fate !== "stays");

/** Books a move on the target. */
export const book = (world: World, instance: number, to: number): void =>
  add(at(world.used, to), instanceAt(world, instance).needs, 1);

/** A move has begun whose room is booked. */
export const depart = (
  world: World,
  instance: number,
  { to, seconds }: { readonly to: number; readonly seconds: number },
): void => {
  const from = at(world.place, instance);
  world.flights.set(instance, { from, to, started: world.t, seconds });
  for (const host of [from, to]) world.busy[host] = at(world.busy, host) + 1;
  for (const group of instanceAt(world, instance).groups) {
    count(at(world.members, group), to, 1);
    world.impacted[group] = at(world.impacted, group) + 1;
  }
};

/** A move has ended; the source gets its room back. */
export const land = (world: World, instance: number, { from, to }: Flight): void => {
  const { needs, groups } = instanceAt(world, instance);
  world.flights.delete(instance);
  world.place[instance] = to;
  at(world.guests, from).delete(instance);
  at(world.guests, to).add(instance);
  add(at(world.used, from), needs, -1);
  for (const host of [from, to]) world.busy[host] = at(world.busy, host) - 1;
  for (const group of groups) {
    count(at(world.members, group), from, -1);
    recover(world, group, instance);
  }
};

/** Instances that stay on a host are down from now on. */
export const interrupt = (world: World, host: number): void => {
  for (const [, group] of staysOn(world, host))
    world.impacted[group] = at(world.impacted, group) + 1;
};

/** Instances that stayed on a host are up again. */
export const restore = (world: World, host: number): void => {
  for (const [id, group] of staysOn(world, host)) recover(world, group, id);
};

/** Instances that stay on a host, each with each of its groups. */
export const staysOn = (world: World, host: number): [instance: number, group: number][] =>
  [...at(world.guests, host)]
    .filter((id) => instanceAt(world, id).fate === "stays")
    .flatMap((id) => instanceAt(world, id).groups.map((group): [number, number] => [id, group]));

const recover = (world: World, group: number, member: number): void => {
  world.impacted[group] = at(world.impacted, group) - 1;
  const { recovery_seconds } = at(world.cluster.groups, group);
  world.recoveries[group] = at(world.recoveries, group)
    .filter(({ ended }) => ended + recovery_seconds > world.t)
    .concat({ member, ended: world.t });
};

const add = (amounts: number[], more: readonly number[], sign: 1 | -1): void => {
  for (const [resource, amount] of more.entries())
    amounts[resource] = at(amounts, resource) + sign * amount;
};

const count = (counts: Map<number, number>, key: number, by: 1 | -1): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};
