import type { Cloud } from "../openstack/cloud.ts";
import { listMigrations } from "../openstack/compute/migrations.ts";
import { listServerGroups, type ServerGroup } from "../openstack/compute/server-groups.ts";
import { getServer, type Server } from "../openstack/compute/servers.ts";
import { isNotFound } from "../openstack/errors.ts";

/**
 * The hard anti-affinity groups of the instance.
 *
 * @param server as GET /servers/{id} gives it: lists do not tell the groups
 */
export const groupsApart = async (cloud: Cloud, server: Server): Promise<ServerGroup[]> => {
  if (!server.server_groups?.length) return [];
  const groups = await listServerGroups(cloud.compute, { all_projects: true });
  return groups.filter(
    ({ id, policy }) => policy === "anti-affinity" && server.server_groups?.includes(id),
  );
};

/**
 * Hosts that the instance must stay away from: those of the other members of the groups. A member
 * that is gone keeps nobody away.
 */
export const hostsToAvoid = async (
  cloud: Cloud,
  server: Server,
  groups: readonly ServerGroup[],
): Promise<string[]> => {
  const members = groups.flatMap((group) => group.members).filter((id) => id !== server.id);
  const hosts = await Promise.all([...new Set(members)].map((id) => hostsOfMember(cloud, id)));
  return hosts.flat();
};

/** Where a member of a group is, and where it is on its way to; nowhere when it is gone. */
export const hostsOfMember = async (cloud: Cloud, id: string): Promise<string[]> => {
  try {
    const { host, task_state } = await getServer(cloud.compute, id);
    const [newest] =
      task_state === null
        ? []
        : await listMigrations(cloud.compute, { instance_uuid: id, limit: 1 });
    return [host, newest?.dest_compute].filter((name) => typeof name === "string");
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
};
