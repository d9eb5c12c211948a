import type { Cloud } from "../openstack/cloud.ts";
import { listBindings, listPorts } from "../openstack/network/ports.ts";

/**
 * What keeps an instance from ever being moved to `target`: a binding of one of its ports that a
 * move left there when its source died in the middle. Named with its cure, and left to people.
 *
 * @returns null when there is none, or no target to look at
 */
export const staleBindingOf = async (
  cloud: Cloud,
  instanceId: string,
  target: string | null,
): Promise<string | null> => {
  if (target === null) return null;
  for (const port of await listPorts(cloud.network, { device_id: instanceId })) {
    const bindings = port.host === target ? [] : await listBindings(cloud.network, port.id);
    if (bindings.some(({ host, status }) => host === target && status === "INACTIVE"))
      return (
        `Neutron keeps a stale binding of its port ${port.id} on ${target}; when no move of it is ` +
        `under way, an admin ends it: DELETE /v2.0/ports/${port.id}/bindings/${target}`
      );
  }
  return null;
};
