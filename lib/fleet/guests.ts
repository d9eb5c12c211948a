import type { Guest } from "../domain/instances.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listServers, type Server } from "../openstack/compute/servers.ts";

/** Every server Nova knows on the host, soft-deleted ones included. */
export const serversOn = (cloud: Cloud, host: string): Promise<Server[]> =>
  listServers(cloud.compute, { host, all_tenants: true, soft_deleted: true });

/** A server as the domain sees an instance. */
export const toGuest = (server: Server): Guest => ({
  id: server.id,
  name: server.name ?? server.id,
  projectId: server.project_id ?? "",
  status: server.status,
  taskState: server.task_state,
  locked: server.locked,
  extraSpecs: server.flavor?.extra_specs ?? {},
});
