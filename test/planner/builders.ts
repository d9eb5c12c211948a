import type {
  Cluster,
  ClusterGroup,
  ClusterHost,
  ClusterInstance,
  MoveInFlight,
  Rules,
} from "../../lib/domain/plan/cluster.ts";
import type { Blocked, Plan, PlanEvent } from "../../lib/domain/plan/timeline.ts";

type Parts = {
  readonly hosts?: readonly Partial<ClusterHost>[];
  readonly instances?: readonly Partial<ClusterInstance>[];
  readonly groups?: readonly Partial<ClusterGroup>[];
  readonly moves?: readonly MoveInFlight[];
};

/** A cluster of hosts of 100 units; what they use is the sum of their instances, unless said. */
export const aCluster = ({
  hosts = [],
  instances = [],
  groups = [],
  moves = [],
}: Parts): Cluster => {
  const all = instances.map(anInstance);
  return {
    resources: ["MEMORY_MB"],
    hosts: hosts.map((host, n) => {
      const own = all.filter((instance) => instance.host === n);
      const coming = moves.filter(({ to }) => to === n).map(({ instance }) => all[instance]);
      const used = [...own, ...coming].reduce((sum, one) => sum + (one?.needs[0] ?? 0), 0);
      return { ...aHost(n), used: [used], ...host };
    }),
    instances: all,
    groups: groups.map((group, n) => ({
      name: `group-${n}`,
      policy: null,
      max_instances_per_host: 0,
      max_impacted_members: 0,
      recovery_seconds: 0,
      ...group,
    })),
    moves,
  };
};

const aHost = (n: number): ClusterHost => ({
  name: `host-${n}`,
  zone: "z1",
  cell: null,
  version: 1,
  capacity: [100],
  used: [0],
  takes: true,
  reserve: "spare",
  job: "waiting",
  work_seconds: 100,
  kinds: [],
});

const anInstance = (parts: Partial<ClusterInstance>, n: number): ClusterInstance => ({
  id: `instance-${n}`,
  host: 0,
  needs: [40],
  move_seconds: 10,
  groups: [],
  lead_seconds: 0,
  refused: [],
  fate: "moves",
  ...parts,
});

export const someRules = (rules: Partial<Rules> = {}): Rules => ({
  slots: 2,
  max_parallel_hosts: null,
  max_parallel_per: {},
  same_zone: false,
  zone_order: [],
  reserve_hosts: 0,
  reserve_of: ["MEMORY_MB", "VCPU"],
  ends_in_seconds: null,
  ...rules,
});

export const opened = (t: number, host: number): PlanEvent => ({ t, event: "host_open", host });
export const started = (t: number, instance: number, from: number, to: number): PlanEvent => ({
  t,
  event: "migrate_start",
  instance,
  from,
  to,
});
export const ended = (t: number, instance: number, from: number, to: number): PlanEvent => ({
  t,
  event: "migrate_end",
  instance,
  from,
  to,
});
export const moved = (t: number, instance: number, from: number, to: number): PlanEvent[] => [
  started(t, instance, from, to),
  ended(t + 10, instance, from, to),
];
export const worked = (t: number, host: number, seconds = 100): PlanEvent[] => [
  { t, event: "work_start", host },
  { t: t + seconds, event: "work_end", host },
];

/** A plan whose figures are those of its timeline. */
export const aPlan = (timeline: readonly PlanEvent[], blocked: readonly Blocked[] = []): Plan => ({
  timeline,
  blocked,
  makespan_seconds: Math.max(
    0,
    ...timeline.filter(({ event }) => event === "work_end").map(({ t }) => t),
  ),
  migrations: timeline.filter(({ event }) => event === "migrate_start").length,
});
