import type { Cluster, ClusterGroup, Rules } from "../../lib/domain/plan/cluster.ts";
import { type Random, randomOf } from "./random.ts";

type BenchHost = {
  readonly name: string;
  readonly az: string;
  /** MiB. */
  readonly mem: number;
  /** Cores; each counts for four processors of instances. */
  readonly cpu: number;
  /** Memory and processors of its instances together. */
  readonly used: number;
  readonly vcpu: number;
};

type BenchVm = {
  readonly name: string;
  readonly mem: number;
  readonly vcpu: number;
  /** Index of its host. */
  readonly host: number;
  /** Its anti-affinity group: members never share a host. */
  readonly aa: string | null;
  /** Index of the host of its second copy, for tools that know such; null = its disk is shared. */
  readonly sec: number | null;
};

/** A cluster as the planner's bench reads it. */
export type BenchCluster = {
  readonly hosts: readonly BenchHost[];
  readonly vms: readonly BenchVm[];
};

const ALLOCATION_RATIO = 4;
const GIB = 1024;

/** Without `vcpus` it takes as much of a host's processors as of its memory. */
type Flavour = { readonly gib: number; readonly weight: number; readonly vcpus?: number };

/** What a family of clusters is made of. */
type Family = {
  readonly count: number;
  readonly gib: number;
  readonly flavours: readonly Flavour[];
  /** Share of all memory that is taken. */
  readonly load: number;
  /** How unevenly hosts are filled: standard deviation of their load. */
  readonly spread: number;
};

export type Options = {
  readonly seed: number;
  /** Hosts are spread over so many zones. */
  readonly zones?: number;
  /** Share of the instances that are in anti-affinity groups, and members of a group. */
  readonly groups?: { readonly share: number; readonly size: number };
};

const DOUBLING: readonly Flavour[] = [
  { gib: 2, weight: 25 },
  { gib: 4, weight: 25 },
  { gib: 8, weight: 23 },
  { gib: 16, weight: 16 },
  { gib: 32, weight: 8.3 },
  { gib: 64, weight: 2.2 },
];

const flavoursOf = (...sizes: number[]): Flavour[] => sizes.map((gib) => ({ gib, weight: 1 }));

/** Sizes that do not add up to a host, nor to each other. */
export const PRIMES = flavoursOf(11, 13, 19, 29, 45);
export const MIXED = flavoursOf(1.5, 2.5, 4, 6.5, 9, 14, 22, 31, 48);

/** Hosts of 512 GiB and 64 cores, instances of 2 to 64 GiB: about 38 on a host at a load of 0.7. */
export const uniform = (count: number, load: number, options: Options): BenchCluster =>
  generate({ count, gib: 512, flavours: DOUBLING, load, spread: 0.06 }, options);

/** The same with a third of the instances having half, the same and twice the processors: now memory is scarce, now they are. */
export const twoScarce = (count: number, load: number, options: Options): BenchCluster => {
  const flavours = [0.25, 0.5, 1].flatMap((ratio) =>
    DOUBLING.map((one) => ({ ...one, vcpus: Math.max(1, one.gib * ratio) })),
  );
  return generate({ count, gib: 512, flavours, load, spread: 0.06 }, options);
};

/** Hosts of 256, 512 and 768 GiB, a third of each. */
export const unequal = (count: number, load: number, { seed, ...options }: Options): BenchCluster =>
  [256, 512, 768]
    .map((gib, n) =>
      generate(
        { count: Math.round(count / 3), gib, flavours: DOUBLING, load, spread: 0.06 },
        { ...options, seed: seed * 3 + n },
      ),
    )
    .reduce(joined);

const joined = (a: BenchCluster, b: BenchCluster): BenchCluster => ({
  hosts: [...a.hosts, ...b.hosts].map((host, n) => ({ ...host, name: `host-${n}` })),
  vms: [
    ...a.vms,
    ...b.vms.map((vm) => ({ ...vm, host: vm.host + a.hosts.length, aa: vm.aa && `${vm.aa}'` })),
  ].map((vm, n) => ({ ...vm, name: `vm-${n}` })),
});

/** 20 hosts of 128 GiB whose free room lies in small pieces; meant for loads of 0.75 to 0.94. */
export const fragmented = (load: number, options: Options): BenchCluster =>
  generate({ count: 20, gib: 128, flavours: DOUBLING, load, spread: 0.08 }, options);

/** 8 hosts of 64 GiB. */
export const small = (load: number, options: Options): BenchCluster =>
  generate(
    {
      count: 8,
      gib: 64,
      flavours: DOUBLING.filter(({ gib }) => gib <= 32),
      load,
      spread: 0.08,
    },
    options,
  );

/** Hosts of 128 GiB with instances of odd sizes; in all so many hosts' room is free. */
export const odd = (
  count: number,
  hostsFree: number,
  { flavours, ...options }: Options & { readonly flavours: readonly Flavour[] },
): BenchCluster =>
  generate({ count, gib: 128, flavours, load: 1 - hostsFree / count, spread: 0.06 }, options);

/** A cluster small enough for an exhaustive search: 3 to 5 hosts of 64 GiB, 12 instances at most. */
export const tiny = (seed: number): BenchCluster => {
  const random = randomOf(seed);
  const count = random.whole(3, 5);
  const groups = random.chance(0.5) ? { share: 0.6, size: random.whole(2, count) } : undefined;
  const cluster = generate(
    {
      count,
      gib: 64,
      flavours: flavoursOf(11, 16, 19, 24, 29, 32, 45),
      load: (count - random.pick([1, 1.15, 1.3, 1.5, 1.7])) / count,
      spread: 0.15,
    },
    { seed, zones: random.pick([1, 1, 2]), ...(groups && { groups }) },
  );
  return cluster.vms.length <= 12 ? cluster : tiny(seed + 1_000_003);
};

const generate = (family: Family, { seed, zones = 1, groups }: Options): BenchCluster => {
  const random = randomOf(seed);
  const vms = fill(family, random);
  const names = groups === undefined ? [] : groupNames(vms, groups, random);
  const used = Array.from({ length: family.count }, () => ({ mem: 0, vcpu: 0 }));
  for (const { host, mem, vcpu } of vms) {
    const sum = used[host];
    if (sum === undefined) throw new RangeError(`no host ${host}`);
    sum.mem += mem;
    sum.vcpu += vcpu;
  }
  return {
    hosts: used.map(({ mem, vcpu }, host) => ({
      name: `host-${host}`,
      az: `az-${host % zones}`,
      mem: family.gib * GIB,
      cpu: family.gib / 8,
      used: mem,
      vcpu,
    })),
    vms: vms.map((vm, n) => ({ name: `vm-${n}`, ...vm, aa: names[n] ?? null, sec: null })),
  };
};

type Placed = Pick<BenchVm, "mem" | "vcpu" | "host">;

/** Puts instances on each host until no flavour comes closer to the load it is to have. */
const fill = (family: Family, random: Random): Placed[] => {
  const vms: Placed[] = [];
  let carried = 0;
  for (const [host, load] of loadsOf(family, random).entries()) {
    const wanted = Math.min(family.gib, load * family.gib + carried);
    let used = 0;
    let processors = 0;
    for (;;) {
      const fitting = family.flavours.filter(
        (flavour) =>
          used + flavour.gib <= family.gib &&
          processors + processorsOf(flavour) <= family.gib / 2 &&
          flavour.gib < 2 * (wanted - used),
      );
      if (fitting.length === 0) break;
      const flavour = weighted(fitting, random);
      used += flavour.gib;
      processors += processorsOf(flavour);
      vms.push({ mem: flavour.gib * GIB, vcpu: processorsOf(flavour), host });
    }
    carried += load * family.gib - used;
  }
  return vms;
};

const processorsOf = ({ gib, vcpus = Math.max(1, Math.floor(gib / 2)) }: Flavour): number => vcpus;

/** The load each host is to have; together they make the load of the family. */
const loadsOf = ({ count, load, spread }: Family, random: Random): number[] => {
  let loads = Array.from({ length: count }, () => load + spread * random.normal());
  for (let round = 0; round < 8; round++) {
    const missing = load - loads.reduce((sum, one) => sum + one, 0) / count;
    loads = loads.map((one) => Math.min(1, Math.max(0, one + missing)));
  }
  return loads;
};

const weighted = (flavours: readonly Flavour[], random: Random): Flavour => {
  let left = random.next() * flavours.reduce((sum, { weight }) => sum + weight, 0);
  for (const flavour of flavours) {
    left -= flavour.weight;
    if (left < 0) return flavour;
  }
  return random.pick(flavours);
};

/** Names of groups for a share of the instances, by instance; no two members share a host. */
const groupNames = (
  vms: readonly Placed[],
  { share, size }: { readonly share: number; readonly size: number },
  random: Random,
): string[] => {
  const names: string[] = [];
  const chosen = random.shuffled([...vms.entries()]).slice(0, Math.round(share * vms.length));
  let open: Map<number, number>[] = [];
  let made = 0;
  for (const [vm, { host }] of chosen) {
    const group = open.find((hosts) => !hosts.has(host)) ?? new Map<number, number>();
    if (group.size === 0) open.push(group);
    group.set(host, vm);
    if (group.size < size) continue;
    for (const member of group.values()) names[member] = `aa-${made}`;
    made += 1;
    open = open.filter((other) => other !== group);
  }
  return names;
};

/** How a cluster of the bench is to be maintained. */
export type BenchOptions = {
  readonly slots: number;
  /** Seconds of work on a host. */
  readonly work: number;
  /** A move takes `fix` seconds, and its memory at `mbps` MiB per second. */
  readonly fix: number;
  readonly mbps: number;
  readonly maxParallel: number | null;
  readonly sameAz: boolean;
};

/** What the planner's bench takes unless told: two moves at a time, 8 s and 1 s per 1,000 MB, half an hour of work. */
export const USUAL: BenchOptions = {
  slots: 2,
  work: 1800,
  fix: 8,
  mbps: 1000,
  maxParallel: null,
  sameAz: false,
};

/** The same cluster in the planner's terms: every host waits for its maintenance. */
export const clusterOf = (
  { hosts, vms }: BenchCluster,
  { slots, work, fix, mbps, maxParallel, sameAz }: BenchOptions,
): { cluster: Cluster; rules: Rules } => {
  const names = [...new Set(vms.flatMap(({ aa }) => aa ?? []))];
  const groups = new Map(names.map((name, index) => [name, index]));
  return {
    cluster: {
      resources: ["MEMORY_MB", "VCPU"],
      hosts: hosts.map(({ name, az, mem, cpu, used, vcpu }) => ({
        name,
        zone: az,
        cell: null,
        version: 1,
        capacity: [mem, cpu * ALLOCATION_RATIO],
        used: [used, vcpu],
        takes: true,
        reserve: "spare",
        job: "waiting",
        work_seconds: work,
        kinds: [],
      })),
      instances: vms.map(({ name, mem, vcpu, host, aa }) => ({
        id: name,
        host,
        needs: [mem, vcpu],
        move_seconds: fix + mem / mbps,
        groups: aa === null ? [] : [groups.get(aa) ?? 0],
        lead_seconds: 0,
        refused: [],
        fate: "moves",
      })),
      groups: names.map(
        (name): ClusterGroup => ({
          name,
          policy: "anti-affinity",
          max_instances_per_host: 0,
          max_impacted_members: 0,
          recovery_seconds: 0,
        }),
      ),
      moves: [],
    },
    rules: {
      slots,
      max_parallel_hosts: maxParallel,
      max_parallel_per: {},
      same_zone: sameAz,
      zone_order: [],
      reserve_hosts: 0,
      reserve_of: ["MEMORY_MB", "VCPU"],
      ends_in_seconds: null,
    },
  };
};
