import { hasRoom, resourcesOf, usageOf } from "./room.ts";
import { isUp, type Simulation } from "./simulation.ts";
import type { Host, Instance, World } from "./world.ts";

export const NO_VALID_HOST = "No valid host was found. There are not enough hosts available.";

/**
 * Hosts that may take an instance, the emptiest first: enabled, up, in its cell and zone, with
 * room, and such that hard policies of its server group hold. A named host is filtered alike.
 */
export const schedule = (
  simulation: Simulation,
  instance: Instance,
  named: string | null,
  source: string | null,
): Host[] => {
  const { world } = simulation;
  const fitting = fits(simulation, instance);
  const departed = departures(simulation, instance);
  const from = source === null ? undefined : world.hosts.get(source);
  return [...world.hosts.values()]
    .filter((host) => named === null || host.name === named)
    .filter((host) => host.name !== source)
    .filter((host) => host.has_service && host.has_hypervisor && host.has_provider)
    .filter((host) => host.status === "enabled" && isUp(simulation, host))
    .filter((host) => from === undefined || host.cell === from.cell)
    .filter((host) => instance.pinned_az === null || host.zone === instance.pinned_az)
    .filter((host) => fitting(host) && !departed.has(host.name))
    .map((host) => ({ host, weight: freeMemory(world, host) + simulation.ids.random() }))
    .sort((left, right) => right.weight - left.weight)
    .map(({ host }) => host);
};

/**
 * Hosts that a member of the instance's group has left not long enough ago for the scheduler to know:
 * it keeps its own account of who is where, and hears of live migrations late.
 */
const departures = (
  { world, clock, spec }: Simulation,
  instance: Instance,
): ReadonlySet<string> => {
  const group = world.groups.find((one) => one.id === instance.group_id);
  if (group?.policy !== "anti-affinity" || spec.stale_scheduler_ms === 0) return new Set();
  const since = clock.now() - spec.stale_scheduler_ms;
  const left = world.migrations.filter(
    ({ type, status, instance_id, updated_at }) =>
      type === "live-migration" &&
      status === "completed" &&
      updated_at > since &&
      instance_id !== instance.id &&
      world.instances.get(instance_id)?.group_id === group.id,
  );
  return new Set(left.map(({ source }) => source));
};

const freeMemory = (world: World, host: Host): number =>
  host.memory_mb - (usageOf(world, host)["MEMORY_MB"] ?? 0);

/** Whether a host has room for an instance and its group allows it there, moves under way counted. */
export const fits = ({ world }: Simulation, instance: Instance): ((host: Host) => boolean) => {
  const allowed = groupRule(world, instance);
  return (host) => hasRoom(world, host, resourcesOf(instance)) && allowed(host);
};

/**
 * The hard policy of the instance's group. Hard affinity counts the instance itself among the
 * members, so that not even a lone member can leave its host.
 */
const groupRule = (world: World, instance: Instance): ((host: Host) => boolean) => {
  const group = world.groups.find((one) => one.id === instance.group_id);
  if (group?.policy !== "affinity" && group?.policy !== "anti-affinity") return () => true;
  const members = [...world.instances.values()].filter((one) => one.group_id === group.id);
  const isOn = (member: Instance, host: Host) =>
    member.host === host.name || world.allocations.get(member.id)?.provider === host.node_id;
  if (group.policy === "affinity")
    return (host) =>
      members.every((one) => one.host === null) || members.some((one) => one.host === host.name);
  const others = members.filter((one) => one.id !== instance.id);
  const limit = group.max_server_per_host ?? 1;
  return (host) => others.filter((one) => isOn(one, host)).length < limit;
};
