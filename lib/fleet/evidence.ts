import type { Evidence } from "../domain/empty.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { allocations, providersOf } from "../openstack/placement/resource-providers.ts";
import { serversOn } from "./guests.ts";
import { migrationsOf } from "./migrations.ts";
import { computeServiceOf } from "./services.ts";

/**
 * Reads everything that has to agree before a host counts as empty: Nova's servers and
 * migrations, the allocations on its resource provider and all below it, and its service.
 */
export const readEvidence = async (
  cloud: Cloud,
  host: string,
  providerId: string,
): Promise<Evidence> => {
  const [servers, migrations, service, providers] = await Promise.all([
    serversOn(cloud, host),
    migrationsOf(cloud, host),
    computeServiceOf(cloud, host),
    providersOf(cloud.placement, providerId),
  ]);
  const held = await Promise.all(
    providers.map(async ({ uuid: provider }) =>
      Object.keys(await allocations(cloud.placement, provider)).map((consumer) => ({
        consumer,
        provider,
      })),
    ),
  );
  return {
    servers: servers.map(({ id, name, status, task_state, power_state }) => ({
      id,
      name: name ?? id,
      status,
      taskState: task_state,
      powerState: power_state,
    })),
    partial: servers.some(({ partial }) => partial),
    holdings: held.flat(),
    migrations,
    serviceStatus: service?.status ?? null,
    providers: providers.length,
  };
};
