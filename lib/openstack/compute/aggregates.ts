import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates */
const aggregateSchema = z.object({
  id: z.number(),
  uuid: z.string(),
  name: z.string(),
  /** null: the aggregate is no availability zone. */
  availability_zone: z.string().nullable(),
  hosts: z.array(z.string()),
  metadata: z.record(z.string(), z.string()),
});
export type Aggregate = z.infer<typeof aggregateSchema>;

/** GET /os-aggregates: host groups, of which some are availability zones. */
export const listAggregates = async (client: ServiceClient): Promise<Aggregate[]> =>
  (await call(client, "/os-aggregates", z.object({ aggregates: z.array(aggregateSchema) })))
    .aggregates;

/**
 * POST /os-aggregates/{id}/action remove_host. Nova refuses to take a host with servers out of the
 * aggregate that is their zone.
 *
 * @throws OpenStackError 404 when aggregate or host is unknown, 409 when it is refused
 */
export const removeHostFromAggregate = async (
  client: ServiceClient,
  id: number,
  host: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<Aggregate> => {
  const body = { remove_host: { host } };
  const options = { method: "POST", body, requestId } as const;
  const schema = z.object({ aggregate: aggregateSchema });
  return (await call(client, `/os-aggregates/${id}/action`, schema, options)).aggregate;
};
