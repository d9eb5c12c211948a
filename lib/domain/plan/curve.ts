import * as z from "zod";
import { amount } from "./board.ts";
import type { Cluster } from "./cluster.ts";
import type { PlanEvent } from "./timeline.ts";

/** How much is free and how many suffer in one stretch of a plan, each at its worst. */
export const curvePointSchema = z.object({
  /** When the stretch begins, in seconds from the beginning of the plan. */
  starts_in: z.int(),
  /** Free on hosts that take instances and are not out of service, by resource class. */
  free: z.record(z.string(), z.number()),
  /** Hosts that are being emptied or at work. */
  hosts_out: z.int(),
  /** Instances that are moving, or down with their host. */
  impacted: z.int(),
  /** Those of them that are members of a group. */
  impacted_members: z.int(),
});
export type CurvePoint = z.infer<typeof curvePointSchema>;

/** So many points are enough to draw. */
const MOST_POINTS = 200;

/** Free room and impacted members over the time of a plan, in at most 200 stretches. */
export const curveOf = (cluster: Cluster, timeline: readonly PlanEvent[]): CurvePoint[] => {
  const account = openAccount(cluster);
  const last = timeline.at(-1)?.t ?? 0;
  const length = Math.max(1, Math.ceil((last + 1) / MOST_POINTS));
  const points: CurvePoint[] = [];
  const note = (t: number) => {
    const starts_in = Math.floor(t / length) * length;
    const now = account.point(starts_in);
    const before = points.at(-1);
    if (before?.starts_in === starts_in) points[points.length - 1] = worse(before, now);
    else points.push(now);
  };
  note(0);
  for (const [n, event] of timeline.entries()) {
    account.book(event);
    // What happens at one instant is looked at when all of it has happened.
    if (timeline[n + 1]?.t !== event.t) note(event.t);
  }
  return points;
};

const worse = (a: CurvePoint, b: CurvePoint): CurvePoint => ({
  starts_in: a.starts_in,
  free: Object.fromEntries(
    Object.entries(a.free).map(([name, free]) => [name, Math.min(free, b.free[name] ?? free)]),
  ),
  hosts_out: Math.max(a.hosts_out, b.hosts_out),
  impacted: Math.max(a.impacted, b.impacted),
  impacted_members: Math.max(a.impacted_members, b.impacted_members),
});

/** Keeps count of a cluster while the events of its plan happen. */
const openAccount = ({ resources, hosts, instances, moves }: Cluster) => {
  const free = hosts.map(({ capacity, used }) =>
    resources.map((_, r) => amount(capacity, r) - amount(used, r)),
  );
  const staying = Map.groupBy(
    [...instances.keys()].filter((number) => instances[number]?.fate === "stays"),
    (number) => instances[number]?.host,
  );
  const out = new Set<number>();
  const shut = new Set([...hosts.keys()].filter((host) => hosts[host]?.job === "cordoned"));
  const total = resources.map(() => 0);
  let impacted = 0;
  let members = 0;

  const count = (amounts: readonly number[], sign: 1 | -1) => {
    for (const r of total.keys()) total[r] = (total[r] ?? 0) + sign * amount(amounts, r);
  };
  const isCounted = (host: number) =>
    hosts[host]?.takes === true && !shut.has(host) && !out.has(host);
  const goOut = (host: number) => {
    if (isCounted(host)) count(free[host] ?? [], -1);
    shut.delete(host);
    out.add(host);
  };
  const comeBack = (host: number) => {
    out.delete(host);
    if (isCounted(host)) count(free[host] ?? [], 1);
  };
  const take = (host: number, instance: number, sign: 1 | -1) => {
    const needs = instances[instance]?.needs ?? [];
    free[host] = (free[host] ?? []).map((left, r) => left - sign * amount(needs, r));
    if (isCounted(host)) count(needs, sign === 1 ? -1 : 1);
  };
  const hit = (instance: number, by: 1 | -1) => {
    impacted += by;
    if ((instances[instance]?.groups.length ?? 0) > 0) members += by;
  };
  const hitStaying = (host: number, by: 1 | -1) => {
    for (const instance of staying.get(host) ?? []) hit(instance, by);
  };

  for (const host of hosts.keys()) if (isCounted(host)) count(free[host] ?? [], 1);
  for (const [host, { job }] of hosts.entries()) {
    if (job === "emptying" || job === "working") goOut(host);
    if (job === "working") hitStaying(host, 1);
  }
  for (const { instance } of moves) hit(instance, 1);

  return {
    book(event: PlanEvent): void {
      switch (event.event) {
        case "host_open":
          goOut(event.host);
          break;
        case "host_close":
          comeBack(event.host);
          break;
        case "migrate_start":
          take(event.to, event.instance, 1);
          hit(event.instance, 1);
          break;
        case "migrate_end":
          take(event.from, event.instance, -1);
          hit(event.instance, -1);
          break;
        case "work_start":
          hitStaying(event.host, 1);
          break;
        case "work_end":
          hitStaying(event.host, -1);
          comeBack(event.host);
      }
    },

    point: (starts_in: number): CurvePoint => ({
      starts_in,
      free: Object.fromEntries(resources.map((name, r) => [name, total[r] ?? 0])),
      hosts_out: out.size,
      impacted,
      impacted_members: members,
    }),
  };
};
