import { TransientError } from "../domain/errors.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { getService, type Service } from "../openstack/compute/services.ts";

/** A nova-compute service whose state is known. */
export type KnownService = Service & {
  readonly status: "enabled" | "disabled";
  readonly state: "up" | "down";
};

/** Narrows away the partial row that Nova gives for a cell that does not answer. */
export const isKnown = (service: Service): service is KnownService =>
  service.status !== "UNKNOWN" && service.state !== "UNKNOWN";

/**
 * The compute service of a host; null when Nova knows none.
 *
 * @throws TransientError when its cell does not answer
 */
export const computeServiceOf = async (
  cloud: Cloud,
  host: string,
): Promise<KnownService | null> => {
  const service = await getService(cloud.compute, host);
  if (service === undefined) return null;
  if (isKnown(service)) return service;
  throw new TransientError(`the cell of ${host} does not answer, so its state is not known`);
};
