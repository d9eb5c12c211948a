import type { Device } from "../domain/device.ts";
import type { Amounts, HostRoom } from "../domain/plan/reserve.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listServices } from "../openstack/compute/services.ts";
import { isNotFound } from "../openstack/errors.ts";
import { candidates } from "../openstack/placement/allocation-candidates.ts";
import { capacityOf, inventories, usages } from "../openstack/placement/resource-providers.ts";

/** More hosts than a zone ever has: Placement names them all. */
const CANDIDATES = 10_000;
/** Full hosts asked one by one at a time. */
const AT_ONCE = 8;

type Fleet = {
  readonly devices: readonly Device[];
  /** Which session owns a device, by the device's id. */
  readonly owners: ReadonlyMap<string, string>;
  readonly sessionId: string;
  /** Hosts that are being emptied or may be started: these are counted also when they are full. */
  readonly wanted: ReadonlySet<string>;
};

export type Capacity = {
  readonly rooms: readonly HostRoom[];
  /** Whether the nova-compute of a host is not up, or not there. */
  readonly isDown: (host: string) => boolean;
};

/**
 * What the hosts have and what is used of it, in two requests: Placement names every host with
 * memory left. Of the full ones only the wanted are asked about; the others have no room anyway. A
 * host that Placement does not know is left out.
 */
export const readCapacity = async (cloud: Cloud, fleet: Fleet): Promise<Capacity> => {
  const [fits, services] = await Promise.all([
    candidates(cloud.placement, { resources: { MEMORY_MB: 1 }, limit: CANDIDATES }),
    listServices(cloud.compute, { binary: "nova-compute" }),
  ]);
  const byProvider = new Map(fits.map((candidate) => [candidate.provider, candidate]));
  const byHost = new Map(services.map((service) => [service.host, service]));
  const isUp = (host: string) => byHost.get(host)?.state === "up";

  const roomOf = (device: Device, capacity: Amounts, used: Amounts): HostRoom => {
    const owner = fleet.owners.get(device.id) ?? fleet.sessionId;
    const ours = owner === fleet.sessionId;
    const enabled = byHost.get(device.name)?.status === "enabled";
    const { name: host, zone } = device;
    return {
      host,
      zone,
      capacity,
      used,
      takes: ours && enabled && isUp(host),
      leaves: !ours && !enabled,
    };
  };
  const known = fleet.devices.filter(({ hypervisor }) => hypervisor !== null);
  const rooms = known.flatMap((device) => {
    const { resources } = byProvider.get(device.hypervisor?.id ?? "") ?? {};
    if (resources === undefined) return [];
    const pick = (what: "capacity" | "used") => ({
      MEMORY_MB: resources["MEMORY_MB"]?.[what] ?? 0,
      VCPU: resources["VCPU"]?.[what] ?? 0,
    });
    return [roomOf(device, pick("capacity"), pick("used"))];
  });
  const full = known.filter(
    ({ name, hypervisor }) => fleet.wanted.has(name) && !byProvider.has(hypervisor?.id ?? ""),
  );
  for (let first = 0; first < full.length; first += AT_ONCE)
    rooms.push(
      ...(
        await Promise.all(
          full.slice(first, first + AT_ONCE).map(async (device) => {
            const held = await askProvider(cloud, device.hypervisor?.id ?? "");
            return held === null ? [] : [roomOf(device, held.capacity, held.used)];
          }),
        )
      ).flat(),
    );
  return { rooms, isDown: (host) => !isUp(host) };
};

/** @returns null when Placement knows no such provider */
const askProvider = async ({ placement }: Cloud, id: string) => {
  const asked = await Promise.all([inventories(placement, id), usages(placement, id)]).catch(
    (error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    },
  );
  if (asked === null) return null;
  const [held, used] = asked;
  const amount = (name: string) => (held[name] ? capacityOf(held[name]) : 0);
  return {
    capacity: { MEMORY_MB: amount("MEMORY_MB"), VCPU: amount("VCPU") },
    used: { MEMORY_MB: used["MEMORY_MB"] ?? 0, VCPU: used["VCPU"] ?? 0 },
  };
};
