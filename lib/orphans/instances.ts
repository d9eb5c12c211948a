import { listInstanceActions } from "../openstack/compute/instance-actions.ts";
import type { Look, MarkedHost } from "./look.ts";
import { instantOf, type Orphan } from "./orphan.ts";

/**
 * Instances on the host that are shut off because the engine stopped them: the newest thing that
 * happened to them is a stop by its user.
 */
export const stoppedInstances = async (look: Look, host: MarkedHost): Promise<Orphan[]> => {
  const off = host.servers.filter(({ status }) => status === "SHUTOFF");
  const newest = await Promise.all(
    off.map(async ({ id }) => (await listInstanceActions(look.cloud.compute, id, { limit: 1 }))[0]),
  );
  return off.flatMap(({ id, name }, index) => {
    const action = newest[index];
    if (action?.action !== "stop" || action.user_id !== look.engineUser) return [];
    return {
      kind: "instance_stopped",
      host: host.name,
      instance_id: id,
      session_id: host.sessionId,
      since: instantOf(action.start_time),
      message: `instance ${name ?? id} was stopped for the work (${action.request_id})`,
      command: look.openstack("server", "start", id),
      alternative: null,
    };
  });
};
