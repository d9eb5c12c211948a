import type { Settings } from "../config.ts";
import { ForbiddenError, NotFoundError, UnauthorizedError } from "../domain/errors.ts";
import { computeOfToken } from "../openstack/cloud.ts";
import { findServer, type Server } from "../openstack/compute/servers.ts";
import { InvalidTokenError, OpenStackError } from "../openstack/errors.ts";
import type { ServiceClient } from "../openstack/http.ts";
import type { Keystone } from "../openstack/identity/tokens.ts";

/** All tries together: with Keystone's answer before, an API call has 29 s. */
const TIMEOUT_MS = 10_000;

export type Claim = {
  readonly token: string;
  readonly instanceId: string;
  readonly projectId: string;
};

/**
 * Makes sure, by Nova's word and with the caller's own token, that an instance is a project's. An
 * admin's token sees the instances of all projects, so that seeing one proves nothing.
 */
export const instanceOwner =
  (
    { LULL_REGION, LULL_INTERFACE }: Pick<Settings, "LULL_REGION" | "LULL_INTERFACE">,
    keystone: Required<Keystone>,
  ) =>
  /**
   * @throws NotFoundError when there is no such instance, or it is another project's
   * @throws TransientOpenStackError when it could not be found out
   */
  async ({ token, instanceId, projectId }: Claim): Promise<void> => {
    const compute = computeOfToken(keystone, token, {
      region_name: LULL_REGION,
      interface: LULL_INTERFACE,
      timeoutMs: TIMEOUT_MS,
    });
    const server = await seen(compute, instanceId);
    if (server?.project_id !== projectId)
      throw new NotFoundError("the project has no such instance in Nova");
  };

const seen = async (compute: ServiceClient, instanceId: string): Promise<Server | null> => {
  try {
    return await findServer(compute, instanceId);
  } catch (error) {
    if (error instanceof InvalidTokenError) throw new UnauthorizedError(error.message);
    if (error instanceof OpenStackError && error.status === 403)
      throw new ForbiddenError(`Nova does not show instances to this token: ${error.detail}`);
    throw error;
  }
};
