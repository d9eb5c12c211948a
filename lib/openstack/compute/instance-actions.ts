import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/compute/#servers-actions-servers-os-instance-actions */
const actionSchema = z.object({
  action: z.string(),
  instance_uuid: z.string(),
  request_id: z.string(),
  user_id: z.string().nullable(),
  project_id: z.string().nullable(),
  start_time: z.string(),
  updated_at: z.string().nullish(),
  /** "Error" when the action failed; null also for some failures. */
  message: z.string().nullable(),
});

const eventSchema = z.object({
  event: z.string(),
  start_time: z.string(),
  finish_time: z.string().nullable(),
  /** "Success" or "Error"; null while it runs, and for ever when a retry took its place. */
  result: z.string().nullable(),
  /** Absent for tenants. */
  host: z.string().nullish(),
  /** Why it failed in Nova's words; absent below 2.84 and for tenants. */
  details: z.string().nullish(),
});
const detailedSchema = actionSchema.extend({ events: z.array(eventSchema).default([]) });
export type DetailedInstanceAction = z.infer<typeof detailedSchema>;

const pathOf = (serverId: string) => `/servers/${encodeURIComponent(serverId)}/os-instance-actions`;

/** GET /servers/{id}/os-instance-actions, newest first. */
export const listInstanceActions = async (
  client: ServiceClient,
  serverId: string,
  { limit }: { readonly limit?: number } = {},
): Promise<z.infer<typeof actionSchema>[]> => {
  const search = limit === undefined ? "" : `?limit=${limit}`;
  const schema = z.object({ instanceActions: z.array(actionSchema) });
  return (await call(client, pathOf(serverId) + search, schema)).instanceActions;
};

/** GET .../{request id}: the request id that Nova answered when the action was asked for. */
export const getInstanceAction = async (
  client: ServiceClient,
  serverId: string,
  requestId: string,
): Promise<DetailedInstanceAction> => {
  const path = `${pathOf(serverId)}/${encodeURIComponent(requestId)}`;
  return (await call(client, path, z.object({ instanceAction: detailedSchema }))).instanceAction;
};
