import type { Allocation, Amounts, Host, Instance, World } from "./world.ts";

export const resourcesOf = ({
  flavor,
  volumes,
}: Pick<Instance, "flavor" | "volumes">): Amounts => ({
  VCPU: flavor.vcpus,
  MEMORY_MB: flavor.ram,
  ...(volumes.length === 0 && flavor.disk > 0 && { DISK_GB: flavor.disk }),
});

export const inventoryOf = (host: Host) => {
  const inventory = (total: number, reserved: number, allocation_ratio: number) => ({
    total,
    reserved,
    min_unit: 1,
    max_unit: total,
    step_size: 1,
    allocation_ratio,
  });
  return {
    VCPU: inventory(host.vcpus, 0, host.cpu_ratio),
    MEMORY_MB: inventory(host.memory_mb, 512, host.memory_ratio),
    DISK_GB: inventory(host.disk_gb, 0, 1),
  };
};

/** What is allocated of a host, by resource class. */
export const usageOf = (world: World, host: Host): Amounts =>
  world.used.get(host.node_id) ?? { VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 };

export const hasRoom = (world: World, host: Host, wanted: Amounts): boolean => {
  const used = usageOf(world, host);
  return Object.entries(inventoryOf(host)).every(
    ([name, { total, reserved, allocation_ratio }]) =>
      (used[name] ?? 0) + (wanted[name] ?? 0) <= (total - reserved) * allocation_ratio,
  );
};

const account = (world: World, { provider, resources }: Allocation, sign: 1 | -1): void => {
  const used = world.used.get(provider) ?? { VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 };
  for (const [name, amount] of Object.entries(resources))
    used[name] = (used[name] ?? 0) + sign * amount;
  world.used.set(provider, used);
};

/** Replaces whatever the consumer held. */
export const hold = (world: World, allocation: Allocation): void => {
  release(world, allocation.consumer);
  world.allocations.set(allocation.consumer, allocation);
  account(world, allocation, 1);
};

export const release = (world: World, consumer: string): void => {
  const held = world.allocations.get(consumer);
  if (!held) return;
  account(world, held, -1);
  world.allocations.delete(consumer);
};

/** Gives `consumer` the instance's resources on a host, and on that host alone. */
export const allocate = (
  world: World,
  consumer: string,
  host: string,
  instance: Instance,
): void => {
  const node = world.hosts.get(host);
  if (!node) return;
  node.generation += 1;
  hold(world, {
    consumer,
    provider: node.node_id,
    resources: resourcesOf(instance),
    project_id: instance.project_id,
    user_id: instance.user_id,
  });
};
