import type { Cloud } from "../openstack/cloud.ts";
import { listServices } from "../openstack/compute/services.ts";
import { TransientOpenStackError } from "../openstack/errors.ts";
import { listPorts } from "../openstack/network/ports.ts";
import { findProvider } from "../openstack/placement/resource-providers.ts";
import type { Engine } from "./engine.ts";

type Looker = Pick<Engine, "cloud" | "health">;

/** What is wrong with Keystone, Nova, Placement or Neutron, in words; null when all answer about the host. */
const probe = async (open: () => Promise<Cloud>, host: string): Promise<string | null> => {
  try {
    const cloud = await open();
    await cloud.token();
    await listServices(cloud.compute, { binary: "nova-compute", host });
    await findProvider(cloud.placement, host);
    await listPorts(cloud.network, { host });
    return null;
  } catch (error) {
    if (error instanceof TransientOpenStackError) return error.message;
    throw error;
  }
};

/** While the cloud is unwell: looks whether it is well again, when it is this run's turn to look. */
export const lookAtCloud = async (
  { cloud, health }: Looker,
  host: string,
  now: string,
): Promise<void> => {
  if (await health.isTurn(now)) await health.saw(await probe(cloud, host), now);
};

/**
 * Looks at the cloud now, on behalf of whoever would hold it against somebody that nothing was heard.
 *
 * @returns what is wrong with it, which is written down for everybody; null when it is well
 */
export const askCloud = async (
  { cloud, health }: Looker,
  host: string,
  now: string,
): Promise<string | null> => {
  const why = await probe(cloud, host);
  if (why !== null) await health.saw(why, now);
  return why;
};

/**
 * Whether a step failed because the cloud is unwell. One request that fails says nothing of the
 * cloud: another look decides, and is written down for everybody.
 *
 * @returns what is wrong with the cloud; null when it is well, or the failure has another cause
 */
export const cloudIsUnwell = async (
  looker: Looker,
  error: unknown,
  { host, now }: { readonly host: string; readonly now: string },
): Promise<string | null> => {
  return error instanceof TransientOpenStackError ? askCloud(looker, host, now) : null;
};
