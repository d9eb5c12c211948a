import { isUnderWay, type Scene, scenes, when } from "./replay.ts";
import type { HostFacts, InstanceFacts, MigrationFacts, Story } from "./story.ts";

/**
 * Capacity and hard anti-affinity hold at each instant. An instance on its way takes room at both
 * ends; it runs at one of them. A host that was too full from the start is only blamed for more.
 */
export const hostsTooFull = (story: Story): string[] => {
  const found = new Map<string, string>();
  const known = new Set<string>();
  let first = true;
  for (const scene of scenes(story)) {
    for (const fault of faultsOf(story, scene)) {
      if (first) known.add(fault);
      else if (!known.has(fault) && !found.has(fault))
        found.set(fault, `${fault} at ${when(scene.from)}`);
    }
    first = false;
  }
  return [...found.values()];
};

const faultsOf = (story: Story, scene: Scene): string[] =>
  [...scene.hosts.values()].flatMap((host) => [
    ...shortages(scene, host),
    ...crowds(story, scene, host),
  ]);

/** Nova's own share of a hypervisor's memory (reserved_host_memory_mb). */
const RESERVED_MB = 512;

const roomOf = (host: HostFacts) => ({
  VCPU: host.vcpus * host.cpu_ratio,
  MEMORY_MB: (host.memory_mb - RESERVED_MB) * host.memory_ratio,
  DISK_GB: host.disk_gb,
});

const needOf = ({ flavor, volumes }: InstanceFacts) => ({
  VCPU: flavor.vcpus,
  MEMORY_MB: flavor.ram,
  DISK_GB: volumes.length === 0 ? flavor.disk : 0,
});

/** A target is named before the scheduler has had its say, and it may say no. */
const UNSCHEDULED = ["accepted", "pre-migrating"];

const isClaimed = ({ status }: MigrationFacts): boolean => !UNSCHEDULED.includes(status);

const holdersOf = ({ instances, migrations, from: at }: Scene, host: string): InstanceFacts[] => {
  const moving = [...migrations.values()].filter((migration) => isUnderWay(migration, at));
  return [...instances.values()].filter(
    (instance) =>
      instance.created_at <= at &&
      (instance.host === host ||
        moving.some(
          (migration) =>
            migration.instance_id === instance.id &&
            (migration.source === host || (migration.dest === host && isClaimed(migration))),
        )),
  );
};

const shortages = (scene: Scene, host: HostFacts): string[] => {
  const holders = holdersOf(scene, host.name).map(needOf);
  return (["VCPU", "MEMORY_MB", "DISK_GB"] as const).flatMap((resource) => {
    const used = holders.reduce((sum, need) => sum + need[resource], 0);
    const room = roomOf(host)[resource];
    return used > room ? [`${host.name} held ${used} ${resource} of ${room}`] : [];
  });
};

const crowds = ({ after }: Story, { instances, from: at }: Scene, host: HostFacts): string[] =>
  after.groups
    .filter(({ policy }) => policy === "anti-affinity")
    .flatMap(({ id, name, max_server_per_host = 1 }) => {
      const members = [...instances.values()].filter(
        (one) => one.group_id === id && one.host === host.name && one.created_at <= at,
      );
      const names = members.map((one) => one.name).toSorted();
      return members.length > max_server_per_host
        ? [`${host.name} ran ${names.join(" and ")} of anti-affinity group ${name}`]
        : [];
    });
