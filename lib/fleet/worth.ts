import { TransientError } from "../domain/errors.ts";
import type { Worth } from "../domain/host-run.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listHypervisors } from "../openstack/compute/hypervisors.ts";
import { isNotFound } from "../openstack/errors.ts";
import { listAgents } from "../openstack/network/agents.ts";
import { inventories, traits } from "../openstack/placement/resource-providers.ts";

/** Nova sets and clears it with the service's status: our own doing, not the host's worth. */
const DISABLED_TRAIT = "COMPUTE_STATUS_DISABLED";

/**
 * What a host has to offer: totals by resource class, traits, hypervisor version, live network
 * agents.
 *
 * @throws TransientError when Nova has not (yet) mapped the host to a hypervisor
 */
export const readWorth = async (cloud: Cloud, host: string): Promise<Worth> => {
  const hypervisors = await listHypervisors(cloud.compute);
  const hypervisor = hypervisors.find(({ service }) => service.host === host);
  if (hypervisor === undefined) throw new TransientError(`Nova has no hypervisor for ${host} yet`);
  const [held, marks, agents] = await Promise.all([
    inventories(cloud.placement, hypervisor.id),
    traits(cloud.placement, hypervisor.id),
    agentsOf(cloud, host),
  ]);
  return {
    provider_id: hypervisor.id,
    hypervisor_version: hypervisor.hypervisor_version,
    inventories: Object.fromEntries(Object.entries(held).map(([name, { total }]) => [name, total])),
    traits: marks.filter((mark) => mark !== DISABLED_TRAIT).toSorted(),
    agents,
  };
};

/** A network service without agents (some ML2 drivers) answers 404 for the extension. */
const agentsOf = async (cloud: Cloud, host: string): Promise<string[]> => {
  try {
    const agents = await listAgents(cloud.network, { host });
    return agents
      .filter(({ alive }) => alive)
      .map(({ agent_type }) => agent_type)
      .toSorted();
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
};
