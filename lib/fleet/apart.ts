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
 * Hosts that the instance must stay away from: those that bear no further member of one of the groups.
 * A member that is gone keeps nobody away.
 */
export const hostsToAvoid = async (
  cloud: Cloud,
  { id }: Pick<Server, "id">,
  groups: readonly ServerGroup[],
): Promise<string[]> => {
  const full = await Promise.all(
    groups.map((group) => hostsFullFor(cloud, id, group.members, mostOnHost(group))),
  );
  return [...new Set(full.flat())];
};

/** The hosts that bear no further member of a group, of which `most` may be on one: the instance itself does not count. */
export const hostsFullFor = async (
  cloud: Cloud,
  id: string,
  members: readonly string[],
  most: number,
): Promise<string[]> => {
  const others = members.filter((member) => member !== id);
  return fullOf(await Promise.all(others.map((member) => hostsOfMember(cloud, member))), most);
};

/**
 * Members of a hard anti-affinity group that Nova lets be on one host.
 *
 * @see https://docs.openstack.org/api-ref/compute/#create-server-group, microversion 2.64
 */
export const mostOnHost = ({ rules }: Pick<ServerGroup, "rules">): number =>
  rules.max_server_per_host ?? 1;

/**
 * The hosts that bear no further member.
 *
 * @param hosts of each other member: one that is on its way counts on both
 * @param most members on one host
 */
export const fullOf = (hosts: readonly (readonly string[])[], most: number): string[] => {
  const members = Map.groupBy(
    hosts.flatMap((own) => [...new Set(own)]),
    (host) => host,
  );
  return [...members].filter(([, there]) => there.length >= most).map(([host]) => host);
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
