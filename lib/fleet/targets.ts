import type { Device } from "../domain/device.ts";
import { fitsBeside, type Promises } from "../domain/plan/promises.ts";
import type { Target } from "../domain/plan/targets.ts";
import type { Cloud } from "../openstack/cloud.ts";
import type { Server } from "../openstack/compute/servers.ts";
import { listServices } from "../openstack/compute/services.ts";
import { candidates } from "../openstack/placement/allocation-candidates.ts";

/** Hosts with room that Placement names at most; as many as Nova itself asks for. Zones and owners are sieved after. */
const CANDIDATES = 1000;

/**
 * What an instance takes, by resource class, as far as it is certain: Nova itself says no to what is
 * offered in vain, and nobody to what was left out. Pinned processors are not VCPU, and a root disk
 * that is a volume takes none of the host's.
 */
export const needOf = ({ flavor, image_id, volume_ids }: PlacedServer): Record<string, number> => {
  const policy = flavor?.extra_specs["hw:cpu_policy"] ?? "shared";
  const bootsFromVolume = image_id === null && volume_ids.length > 0;
  return {
    VCPU: policy === "shared" ? (flavor?.vcpus ?? 1) : 0,
    MEMORY_MB: flavor?.ram ?? 1,
    DISK_GB: (bootsFromVolume ? 0 : (flavor?.disk ?? 0)) + (flavor?.ephemeral ?? 0),
  };
};
type PlacedServer = Pick<Server, "flavor" | "image_id" | "volume_ids">;

/** The hosts there are, and what is known of them besides what Nova and Placement say. */
export type Fleet = {
  readonly devices: readonly Device[];
  readonly owners: ReadonlyMap<string, string>;
  readonly maintained: ReadonlySet<string>;
  readonly onTrial: ReadonlySet<string>;
  /** Hosts of the session that are being emptied or worked on, whatever their service says. */
  readonly atWork: ReadonlySet<string>;
  /** Where the instances of the host go by the plan, by their ids. */
  readonly planned: ReadonlyMap<string, string>;
  /** What they will have to take, of moves that began after all this was read. */
  readonly promises: Promises;
};

/** The hosts that have room for the instance right now, as Placement and Nova say, beside what is promised. */
export const targetsFor = async (
  cloud: Cloud,
  server: Server,
  { devices, owners, maintained, onTrial, atWork, promises }: Fleet,
): Promise<Target[]> => {
  const need = needOf(server);
  const [fits, services] = await Promise.all([
    candidates(cloud.placement, {
      resources: need,
      forbidden: ["COMPUTE_STATUS_DISABLED"],
      limit: CANDIDATES,
    }),
    listServices(cloud.compute, { binary: "nova-compute" }),
  ]);
  const usable = new Set(
    services
      .filter(({ status, state }) => status === "enabled" && state === "up")
      .map(({ host }) => host),
  );
  const byProvider = new Map(devices.map((device) => [device.hypervisor?.id, device]));
  return fits.flatMap(({ provider, resources }) => {
    const device = byProvider.get(provider);
    if (!device?.hypervisor || atWork.has(device.name)) return [];
    if (!fitsBeside(promises.to(device.name), need, resources)) return [];
    const { capacity = 1, used = 0 } = resources["MEMORY_MB"] ?? {};
    return {
      host: device.name,
      zone: device.zone,
      cell: device.cell,
      hypervisorVersion: device.hypervisor.version,
      freeShare: (capacity - used) / capacity,
      enabledAndUp: usable.has(device.name),
      ownedBy: owners.get(device.id) ?? null,
      maintained: maintained.has(device.name),
      onTrial: onTrial.has(device.name),
    };
  });
};
