import type { HostRun, Worth } from "./host-run.ts";

/** Heartbeats after the work by which a host proves that it is up, and not just not yet missed. */
const BEATS_NEEDED = 3;

/**
 * Counts a heartbeat of nova-compute when it is newer than the last one seen. The first one seen is
 * only the base line: it may be older than the work. Nova's times are compared with each other
 * alone, so that no difference between clocks matters.
 */
export const countBeat = (beats: HostRun["beats"], updatedAt: string | null): HostRun["beats"] => {
  if (updatedAt === null) return beats;
  if (beats.updated_at === null) return { updated_at: updatedAt, count: 0 };
  return updatedAt > beats.updated_at ? { updated_at: updatedAt, count: beats.count + 1 } : beats;
};

export const hasBeatenEnough = ({ count }: HostRun["beats"]): boolean => count >= BEATS_NEEDED;

/**
 * What the host lost by the work, in words; empty when it came back whole. More than before is
 * fine; a trait that only says "disabled" is our own doing.
 */
export const losses = (before: Worth, after: Worth): string[] => {
  const lost: string[] = [];
  for (const [resource, total] of Object.entries(before.inventories)) {
    const now = after.inventories[resource] ?? 0;
    if (now < total) lost.push(`${resource} ${total} -> ${now}`);
  }
  if (after.hypervisor_version < before.hypervisor_version)
    lost.push(`hypervisor version ${before.hypervisor_version} -> ${after.hypervisor_version}`);
  const missing = (kind: string, was: readonly string[], is: readonly string[]) => {
    const gone = was.filter((item) => !is.includes(item));
    if (gone.length > 0) lost.push(`${kind} missing: ${gone.join(", ")}`);
  };
  missing("traits", before.traits, after.traits);
  missing("agents", before.agents, after.agents);
  return lost;
};
