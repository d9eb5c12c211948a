import type { Cloud } from "../openstack/cloud.ts";
import { listServerGroups } from "../openstack/compute/server-groups.ts";
import { getServer, type Server } from "../openstack/compute/servers.ts";
import { isNotFound } from "../openstack/errors.ts";

/**
 * Hosts that the instance must stay away from: those of the other members of its hard
 * anti-affinity groups. A member that is gone keeps nobody away.
 *
 * @param server as GET /servers/{id} gives it: lists do not tell the groups
 */
export const hostsToAvoid = async (cloud: Cloud, server: Server): Promise<string[]> => {
  if (!server.server_groups?.length) return [];
  const groups = await listServerGroups(cloud.compute, { all_projects: true });
  const members = groups
    .filter(({ id, policy }) => policy === "anti-affinity" && server.server_groups?.includes(id))
    .flatMap((group) => group.members)
    .filter((id) => id !== server.id);
  const hosts = await Promise.all([...new Set(members)].map((id) => hostOf(cloud, id)));
  return hosts.filter((host) => host !== null);
};

const hostOf = async (cloud: Cloud, id: string): Promise<string | null> => {
  try {
    return (await getServer(cloud.compute, id)).host;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
};
