import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups */
const serverGroupSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** affinity, anti-affinity, soft-affinity, soft-anti-affinity. */
  policy: z.string().nullable(),
  rules: z.object({ max_server_per_host: z.number().optional() }).default({}),
  /** Ids of servers; deleted ones are left out. */
  members: z.array(z.string()),
  project_id: z.string().nullish(),
});
export type ServerGroup = z.infer<typeof serverGroupSchema>;

export type ServerGroupQuery = {
  /** Admin only; without it the token's project alone. */
  readonly all_projects?: boolean;
};

/** What Nova itself gives at most in one answer. */
const PAGE = 1000;

/** GET /os-server-groups; the list has no markers, but offsets. */
export const listServerGroups = async (
  client: ServiceClient,
  { all_projects = false }: ServerGroupQuery = {},
): Promise<ServerGroup[]> => {
  const schema = z.object({ server_groups: z.array(serverGroupSchema) });
  const groups = new Map<string, ServerGroup>();
  for (;;) {
    const search = new URLSearchParams({
      ...(all_projects && { all_projects: "true" }),
      ...(groups.size > 0 && { offset: String(groups.size) }),
    });
    const page = await call(client, `/os-server-groups?${search}`, schema);
    const before = groups.size;
    for (const group of page.server_groups) groups.set(group.id, group);
    if (page.server_groups.length < PAGE || groups.size === before) return [...groups.values()];
  }
};
