import type { Cluster } from "./cluster.ts";
import type { Plan } from "./timeline.ts";

/**
 * How unevenly hosts are loaded: the standard deviation of their loads by the first resource, 0 to
 * 1, before and after the plan. What was maintained last ends up empty; spreading instances again is
 * a step of its own, which nobody has to take.
 */
export const balanceOf = (
  { hosts, instances }: Cluster,
  { timeline }: Plan,
): { readonly before: number; readonly after: number } => {
  const used = hosts.map((host) => host.used[0] ?? 0);
  const capacity = hosts.map((host) => host.capacity[0] ?? 0);
  const spread = () => deviation(used.map((amount, n) => amount / Math.max(1, capacity[n] ?? 0)));
  const before = spread();
  for (const event of timeline) {
    const size = "instance" in event ? (instances[event.instance]?.needs[0] ?? 0) : 0;
    if (event.event === "migrate_start") used[event.to] = (used[event.to] ?? 0) + size;
    if (event.event === "migrate_end") used[event.from] = (used[event.from] ?? 0) - size;
  }
  return { before, after: spread() };
};

const deviation = (values: readonly number[]): number => {
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};
