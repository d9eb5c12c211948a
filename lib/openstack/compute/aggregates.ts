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
