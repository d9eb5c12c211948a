import { type Duty, dutiesByHost, dutiesOfAgents, type SeenAgent } from "../domain/duties.ts";
import { listVolumeServices } from "../openstack/block-storage/services.ts";
import type { Cloud } from "../openstack/cloud.ts";
import type { Service } from "../openstack/compute/services.ts";
import { isNotFound } from "../openstack/errors.ts";
import { listAgents } from "../openstack/network/agents.ts";

/** The agents of the whole cloud. A network service without agents answers 404 for the extension. */
export const agentsOf = async (cloud: Cloud): Promise<SeenAgent[]> => {
  try {
    return await listAgents(cloud.network);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
};

/** Services of Cinder, `host@backend` each; none where the cloud has no Cinder. */
export const volumeDuties = async (cloud: Cloud): Promise<Duty[]> => {
  if (!(await cloud.has("block-storage"))) return [];
  const services = await listVolumeServices(cloud.service("block-storage"));
  return services.map(({ host, binary }) => ({ host, name: binary }));
};

/** What hosts do besides running instances, by host. */
export const dutiesIn = (
  services: readonly Service[],
  agents: readonly SeenAgent[],
  volumes: readonly Duty[],
): ReadonlyMap<string, readonly string[]> =>
  dutiesByHost([
    ...services
      .filter(({ binary }) => binary !== "nova-compute")
      .map(({ host, binary }) => ({ host, name: binary })),
    ...dutiesOfAgents(agents),
    ...volumes,
  ]);
