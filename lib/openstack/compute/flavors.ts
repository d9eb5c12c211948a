import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";
import { isBadMarker, pages } from "../paging.ts";

/** https://docs.openstack.org/api-ref/compute/#flavors */
const flavorSchema = z.object({
  id: z.string(),
  name: z.string(),
  vcpus: z.number(),
  /** MiB. */
  ram: z.number(),
  /** GiB. */
  disk: z.number(),
  extra_specs: z.record(z.string(), z.string()).default({}),
});
export type Flavor = z.infer<typeof flavorSchema>;

/** GET /flavors/detail, all pages, private flavors included for an admin. */
export const listFlavors = (client: ServiceClient): Promise<Flavor[]> => {
  const schema = z.object({
    flavors: z.array(flavorSchema),
    flavors_links: z.array(z.object({ rel: z.string() })).optional(),
  });
  return pages(async (marker) => {
    const search = new URLSearchParams({
      is_public: "None",
      ...(marker !== undefined && { marker }),
    });
    const page = await call(client, `/flavors/detail?${search}`, schema);
    return { rows: page.flavors, more: page.flavors_links?.some((it) => it.rel === "next") };
  }, isBadMarker);
};
