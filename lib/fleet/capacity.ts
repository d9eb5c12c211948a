import type { Device } from "../domain/device.ts";
import type { HostRoom } from "../domain/plan/reserve.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listServices } from "../openstack/compute/services.ts";
import { type Room, readRooms } from "./providers.ts";

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

/** What the hosts have and what is used of it, in two requests and one for each wanted host that is full. */
export const readCapacity = async (cloud: Cloud, fleet: Fleet): Promise<Capacity> => {
  const known = fleet.devices.filter(({ hypervisor }) => hypervisor !== null);
  const wanted = known.filter(({ name }) => fleet.wanted.has(name));
  const [held, services] = await Promise.all([
    readRooms(
      cloud,
      wanted.flatMap(({ hypervisor }) => hypervisor?.id ?? []),
    ),
    listServices(cloud.compute, { binary: "nova-compute" }),
  ]);
  const byHost = new Map(services.map((service) => [service.host, service]));
  const isUp = (host: string) => byHost.get(host)?.state === "up";

  const roomOf = (device: Device, room: Room): HostRoom => {
    const owner = fleet.owners.get(device.id) ?? fleet.sessionId;
    const ours = owner === fleet.sessionId;
    const enabled = byHost.get(device.name)?.status === "enabled";
    const { name: host, zone } = device;
    const pick = (what: "capacity" | "used") => ({
      MEMORY_MB: room["MEMORY_MB"]?.[what] ?? 0,
      VCPU: room["VCPU"]?.[what] ?? 0,
    });
    return {
      host,
      zone,
      capacity: pick("capacity"),
      used: pick("used"),
      takes: ours && enabled && isUp(host),
      leaves: !ours && !enabled,
    };
  };
  const rooms = known.flatMap((device) => {
    const room = held.get(device.hypervisor?.id ?? "");
    return room === undefined ? [] : [roomOf(device, room)];
  });
  return { rooms, isDown: (host) => !isUp(host) };
};
