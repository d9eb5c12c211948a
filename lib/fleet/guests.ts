import type { Guest } from "../domain/instances.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listServerGroups, type ServerGroup } from "../openstack/compute/server-groups.ts";
import { listServers, type Server } from "../openstack/compute/servers.ts";
import { listPorts } from "../openstack/network/ports.ts";

/** What Nova's list of servers does not tell of them, by the id of the instance. */
export type GuestFacts = {
  readonly vnicTypes: ReadonlyMap<string, readonly string[]>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Ids of its hard anti-affinity groups. */
  readonly apart: ReadonlyMap<string, readonly string[]>;
};

/** Every server Nova knows on the host, soft-deleted ones included. */
export const serversOn = (cloud: Cloud, host: string): Promise<Server[]> =>
  listServers(cloud.compute, { host, all_tenants: true, soft_deleted: true });

/** Kinds of the ports bound to the host, by the instance that has them. */
export const vnicTypesOn = async (
  cloud: Cloud,
  host: string,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const ports = await listPorts(cloud.network, { host });
  return new Map(
    [...Map.groupBy(ports, ({ device_id }) => device_id)].map(([id, owned]) => [
      id,
      owned.map(({ vnic_type }) => vnic_type),
    ]),
  );
};

/** What is known of the members of the server groups of the whole cloud, in one call. */
export const groupsOf = async (cloud: Cloud): Promise<Pick<GuestFacts, "groups" | "apart">> =>
  membershipsIn(await listServerGroups(cloud.compute, { all_projects: true }));

/** The same from groups that were read already. */
export const membershipsIn = (
  list: readonly ServerGroup[],
): Pick<GuestFacts, "groups" | "apart"> => {
  const groups = new Map<string, string[]>();
  const apart = new Map<string, string[]>();
  for (const group of list)
    for (const member of group.members) {
      if (group.policy !== null) put(groups, member, group.policy);
      if (group.policy === "anti-affinity") put(apart, member, group.id);
    }
  return { groups, apart };
};

const put = (lists: Map<string, string[]>, key: string, value: string): void => {
  lists.set(key, [...(lists.get(key) ?? []), value]);
};

/** What decides over the instances of a host besides their own rows, in one call each. */
export const factsOf = async (cloud: Cloud, host: string): Promise<GuestFacts> => {
  const [vnicTypes, groups] = await Promise.all([vnicTypesOn(cloud, host), groupsOf(cloud)]);
  return { vnicTypes, ...groups };
};

/** A server as the domain sees an instance. */
export const toGuest = (
  server: Server,
  { vnicTypes, groups }: Pick<GuestFacts, "vnicTypes" | "groups">,
): Guest => ({
  id: server.id,
  name: server.name ?? server.id,
  projectId: server.project_id ?? "",
  status: server.status,
  taskState: server.task_state,
  powerState: server.power_state,
  locked: server.locked,
  lockedReason: server.locked_reason,
  extraSpecs: server.flavor?.extra_specs ?? {},
  imageProperties: textsOf(server.image_properties ?? {}),
  vnicTypes: vnicTypes.get(server.id) ?? [],
  groups: groups.get(server.id) ?? [],
  needs: needsOf(server),
  localDiskGb: localDiskGb(server),
});

const textsOf = (properties: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, String(value)]));

const needsOf = ({ flavor }: Server): Guest["needs"] => ({
  MEMORY_MB: flavor?.ram ?? 0,
  VCPU: flavor?.extra_specs["hw:cpu_policy"] === "dedicated" ? 0 : (flavor?.vcpus ?? 0),
});

/** Its root disk, unless that is a volume, and what its flavor adds. */
const localDiskGb = ({ flavor, image_id, volume_ids }: Server): number => {
  if (flavor === null) return 0;
  const { disk, ephemeral, swap } = flavor;
  const root = image_id === null && volume_ids.length > 0 ? 0 : disk;
  return root + ephemeral + Math.ceil(swap / 1024);
};
