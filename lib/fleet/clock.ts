import * as z from "zod";
import { secondsUntil } from "../domain/instant.ts";
import type { Cloud } from "../openstack/cloud.ts";
import type { Service } from "../openstack/compute/services.ts";
import { callForAnswer } from "../openstack/http.ts";

/** What Nova's own clock says, in an answer that is asked for its header alone; null when it does not tell. */
export const novaTime = async (cloud: Cloud, host: string): Promise<string | null> => {
  const search = new URLSearchParams({ binary: "nova-compute", host });
  return (await callForAnswer(cloud.compute, `/os-services?${search}`, z.unknown())).date;
};

/**
 * Seconds since the last heartbeat of a compute service, by Nova's own clock. Nova itself notices
 * only after its `service_down_time` that a host is dead, and until then lets moves begin that it
 * cannot end: it leaves their instances in ERROR.
 *
 * @returns 0 when Nova does not tell
 */
export const secondsSinceBeat = async (
  cloud: Cloud,
  { host, updated_at }: Pick<Service, "host" | "updated_at">,
): Promise<number> => {
  const now = await novaTime(cloud, host);
  return now === null || updated_at === null ? 0 : secondsUntil(`${updated_at}Z`, now);
};
