import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";
import { isBadMarker, pages } from "../paging.ts";

/** https://docs.openstack.org/api-ref/compute/#hypervisors-os-hypervisors */
const hypervisorSchema = z.object({
  /** Also the id of its resource provider in Placement. */
  id: z.string(),
  hypervisor_hostname: z.string(),
  hypervisor_type: z.string(),
  /** Nova refuses a live migration to a lower one. */
  hypervisor_version: z.number(),
  state: z.string(),
  status: z.string(),
  host_ip: z.string().nullish(),
  service: z.object({ id: z.string(), host: z.string(), disabled_reason: z.string().nullish() }),
  /** null when the cloud no longer tells; ask Placement. */
  vcpus: z.number().nullish(),
  memory_mb: z.number().nullish(),
  local_gb: z.number().nullish(),
  running_vms: z.number().nullish(),
});
export type Hypervisor = z.infer<typeof hypervisorSchema>;

/** From 2.88 on Nova asks every host in turn for its uptime, which takes seconds and fails with the slowest. */
const CHEAP = "2.87";

/** GET /os-hypervisors/detail, all pages. */
export const listHypervisors = (client: ServiceClient): Promise<Hypervisor[]> => {
  const schema = z.object({
    hypervisors: z.array(hypervisorSchema),
    hypervisors_links: z.array(z.object({ rel: z.string() })).optional(),
  });
  return pages(async (marker) => {
    const search = marker === undefined ? "" : `?marker=${marker}`;
    const path = `/os-hypervisors/detail${search}`;
    const page = await call(client, path, schema, { microversion: CHEAP });
    return {
      rows: page.hypervisors,
      more: page.hypervisors_links?.some((it) => it.rel === "next"),
    };
  }, isBadMarker);
};

/** GET /os-hypervisors/{id}. @throws OpenStackError 404 for an unknown one */
export const getHypervisor = async (client: ServiceClient, id: string): Promise<Hypervisor> =>
  (
    await call(
      client,
      `/os-hypervisors/${encodeURIComponent(id)}`,
      z.object({ hypervisor: hypervisorSchema }),
      { microversion: CHEAP },
    )
  ).hypervisor;
