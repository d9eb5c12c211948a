import { balanceOf } from "../../lib/domain/plan/balance.ts";
import type { Cluster, ClusterGroup } from "../../lib/domain/plan/cluster.ts";
import { lowerBoundOf } from "../../lib/domain/plan/lower-bound.ts";
import { makePlan } from "../../lib/domain/plan/make-plan.ts";
import {
  type BenchCluster,
  type BenchOptions,
  clusterOf,
  fragmented,
  MIXED,
  odd,
  PRIMES,
  twoScarce,
  USUAL,
  unequal,
  uniform,
} from "../planner/clusters.ts";
import { figuresOf, hroller } from "../planner/hroller.ts";
import { verify } from "../planner/verifier.ts";
import type { Table } from "./figure.ts";

/** Clusters of one kind, by seed, and what is changed of the options or the cluster. */
type Family = {
  readonly name: string;
  readonly seeds: number;
  readonly made: (seed: number) => BenchCluster;
  readonly options?: Partial<BenchOptions>;
  readonly changed?: (cluster: Cluster) => Cluster;
};

/** Loads a little above a half, 70 and 85 %, so that 49, 29 and 14 of 100 hosts may be empty at once. */
const LOADS = [0.501, 0.701, 0.8505];

/** A share of the instances in groups of four of the kind given; neighbours, which are on one host, are in different ones. */
const grouped =
  (share: number, group: Omit<ClusterGroup, "name">) =>
  (cluster: Cluster): Cluster => {
    const count = Math.floor((cluster.instances.length * share) / 4);
    return {
      ...cluster,
      groups: Array.from({ length: count }, (_, n) => ({ ...group, name: `group-${n}` })),
      instances: cluster.instances.map((instance, n) =>
        n < count * 4 ? { ...instance, groups: [n % count] } : instance,
      ),
    };
  };

const FAMILIES: readonly Family[] = [
  ...LOADS.map(
    (load): Family => ({
      name: `100 hosts, ${percent(load)}`,
      seeds: 5,
      made: (seed) => uniform(100, load, { seed }),
    }),
  ),
  ...LOADS.map(
    (load): Family => ({
      name: `1,000 hosts, ${percent(load)}`,
      seeds: 1,
      made: (seed) => uniform(1_000, load, { seed }),
    }),
  ),
  {
    name: "5,000 hosts, 70 %",
    seeds: 1,
    made: (seed) => uniform(5_000, 0.701, { seed }),
  },
  ...LOADS.slice(1).map(
    (load): Family => ({
      name: `100 hosts in 3 zones, none left, ${percent(load)}`,
      seeds: 5,
      made: (seed) => uniform(100, load, { seed, zones: 3 }),
      options: { sameAz: true },
    }),
  ),
  {
    name: "100 hosts, 70 %, 30 % in anti-affinity groups of 3",
    seeds: 3,
    made: (seed) => uniform(100, 0.701, { seed, groups: { share: 0.3, size: 3 } }),
  },
  {
    name: "100 hosts, 70 %, one move at a time",
    seeds: 2,
    made: (seed) => uniform(100, 0.701, { seed }),
    options: { slots: 1 },
  },
  {
    name: "100 hosts, 70 %, 10 hosts at a time",
    seeds: 1,
    made: (seed) => uniform(100, 0.701, { seed }),
    options: { maxParallel: 10 },
  },
  ...[0.75, 0.8, 0.85, 0.9, 0.94].map(
    (load): Family => ({
      name: `20 hosts, fragmented, ${percent(load)}`,
      seeds: 40,
      made: (seed) => fragmented(load, { seed }),
    }),
  ),
  ...[2.4, 1.5, 1.2].flatMap((free): Family[] => [
    {
      name: `20 hosts, sizes 11 to 45 GiB, ${free} hosts free`,
      seeds: 20,
      made: (seed) => odd(20, free, { seed, flavours: PRIMES }),
    },
    {
      name: `20 hosts, sizes 1.5 to 48 GiB, ${free} hosts free`,
      seeds: 20,
      made: (seed) => odd(20, free, { seed, flavours: MIXED }),
    },
  ]),
  {
    name: "99 hosts of three sizes, 70 %",
    seeds: 3,
    made: (seed) => unequal(99, 0.701, { seed }),
  },
  {
    name: "100 hosts, 70 %, memory or processors scarce",
    seeds: 3,
    made: (seed) => twoScarce(100, 0.701, { seed }),
  },
  {
    name: "100 hosts, 70 %, 20 % in groups of 4, one at a time, 60 s of recovery",
    seeds: 3,
    made: (seed) => uniform(100, 0.701, { seed }),
    changed: grouped(0.2, {
      policy: null,
      max_instances_per_host: 0,
      max_impacted_members: 1,
      recovery_seconds: 60,
    }),
  },
];

function percent(load: number): string {
  return `${Math.floor(load * 100)} %`;
}

/**
 * What the planner reaches on families of seeded clusters: means over the seeds, every plan judged
 * by the verifier. `spread` is that of the loads afterwards; `simple` and `bound` are the makespan over the two lower bounds.
 */
export const plans = (): Table => [
  [
    "family",
    "seeds",
    "all maintained",
    "rules broken",
    "simple",
    "bound",
    "moves",
    "fewest",
    "spread",
    "seconds",
    "hroller",
  ],
  ...FAMILIES.map(rowFor),
];

const rowFor = (family: Family): string[] => {
  const runs = Array.from({ length: family.seeds }, (_, n) => runOf(family, n + 1));
  const whole = runs.filter(({ isWhole }) => isWhole);
  return [
    family.name,
    String(runs.length),
    String(whole.length),
    String(sum(runs.map(({ broken }) => broken))),
    mean(whole.map(({ simple }) => simple)),
    mean(whole.map(({ improved }) => improved)),
    mean(whole.map(({ moves }) => moves)),
    mean(whole.map(({ fewest }) => fewest)),
    mean(whole.map(({ spread }) => spread)),
    mean(runs.map(({ seconds }) => seconds)),
    rivalOf(family),
  ];
};

type Run = {
  readonly isWhole: boolean;
  readonly broken: number;
  readonly simple: number;
  readonly improved: number;
  readonly moves: number;
  readonly fewest: number;
  readonly spread: number;
  readonly seconds: number;
};

const runOf = ({ made, options, changed = (cluster) => cluster }: Family, seed: number): Run => {
  const { cluster: given, rules } = clusterOf(made(seed), { ...USUAL, ...options });
  const cluster = changed(given);
  const began = performance.now();
  const fastest = makePlan(cluster, rules, "fastest");
  const seconds = (performance.now() - began) / 1000;
  const fewest = makePlan(cluster, rules, "fewest_moves");
  const bound = lowerBoundOf(cluster, rules);
  return {
    isWhole: fastest.blocked.length === 0,
    broken: verify(cluster, rules, fastest).length + verify(cluster, rules, fewest).length,
    simple: fastest.makespan_seconds / bound.simple,
    improved: fastest.makespan_seconds / bound.improved,
    moves: fastest.migrations / cluster.instances.length,
    fewest: fewest.migrations / cluster.instances.length,
    spread: balanceOf(cluster, fastest).after,
    seconds,
  };
};

/** Ganeti's hroller knows no zones; its plan of 5,000 hosts takes minutes. */
const MOST_FOR_HROLLER = 1_000;

/** What hroller makes of the same clusters: its time over the simple bound, how many rules it breaks on all of them, how often it gives up. */
const rivalOf = ({ made, options, seeds, changed }: Family): string => {
  if (options !== undefined || changed !== undefined) return "";
  const ratios: number[] = [];
  let broken = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const bench = made(seed);
    if (bench.hosts.length > MOST_FOR_HROLLER) return "";
    const plan = hroller(bench);
    if (plan.outcome === "not installed") return "not installed";
    if (plan.outcome === "aborted") continue;
    const { cluster, rules } = clusterOf(bench, USUAL);
    const { makespan_seconds, violations, overloads } = figuresOf(plan.waves, bench, USUAL);
    broken += violations + overloads;
    ratios.push(makespan_seconds / lowerBoundOf(cluster, rules).simple);
  }
  const aborted = seeds - ratios.length;
  const words = [
    ratios.length > 0 && mean(ratios),
    broken > 0 && `breaks ${broken}`,
    aborted > 0 && `aborts ${aborted}`,
  ];
  return words.filter((word) => word !== false).join(", ");
};

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

const mean = (values: readonly number[]): string =>
  values.length === 0 ? "" : (sum(values) / values.length).toFixed(3);
