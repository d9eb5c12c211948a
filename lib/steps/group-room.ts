import { mostPerHost } from "../domain/constraints.ts";
import { hostsFullFor } from "../fleet/apart.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { HostContext } from "./host-step.ts";

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
  const members = (await constraints.instances.listAll(project_id))
    .filter(({ group_id }) => group_id === said.group_id)
    .map(({ instance_id }) => instance_id);
  return hostsFullFor(await cloud(), id, members, most);
};
