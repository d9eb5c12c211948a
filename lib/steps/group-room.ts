import { mostPerHost } from "../domain/constraints.ts";
import { hostsOfMember } from "../fleet/apart.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { ConstraintStore } from "../store/constraints.ts";
import type { HostContext } from "./host-step.ts";

const PAGE = 100;

/**
 * Hosts that bear no further member of the group that the owner has put the instance into
 * (`anti_affinity_group`, `max_instances_per_host`). Members on their way count on both hosts.
 */
export const hostsFullOfGroup = async (
  { constraints, cloud }: Pick<HostContext, "constraints" | "cloud">,
  { id, project_id }: Server,
): Promise<string[]> => {
  if (project_id === null) return [];
  const said = await constraints.instances.get(id, project_id);
  if (said === null || said.group_id === null) return [];
  const group = await constraints.groups.get(said.group_id, project_id);
  const most = group === null ? 0 : mostPerHost(group);
  if (most === 0) return [];
  const members = await membersOf(constraints, project_id, said.group_id);
  const openstack = await cloud();
  const hosts = await Promise.all(
    members
      .filter((member) => member !== id)
      .map(async (member) => [...new Set(await hostsOfMember(openstack, member))]),
  );
  const counts = Map.groupBy(hosts.flat(), (host) => host);
  return [...counts].filter(([, on]) => on.length >= most).map(([host]) => host);
};

const membersOf = async (
  { instances }: ConstraintStore,
  projectId: string,
  groupId: string,
): Promise<string[]> => {
  const members: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof instances.list>> = await instances.list(
      projectId,
      PAGE,
      cursor,
    );
    for (const { instance_id, group_id } of page.constraints)
      if (group_id === groupId) members.push(instance_id);
    cursor = page.cursor;
  } while (cursor !== null);
  return members;
};
