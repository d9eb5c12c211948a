import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/network/v2/#ports */
const portSchema = z.object({
  id: z.string(),
  device_id: z.string(),
  device_owner: z.string(),
  network_id: z.string(),
  status: z.string(),
  /** "normal", or a kind of device that may not migrate: direct, direct-physical, vdpa ... */
  "binding:vnic_type": z.string().default("normal"),
  /** Admin only. */
  "binding:host_id": z.string().nullish(),
  "binding:vif_type": z.string().nullish(),
});
export type Port = z.infer<typeof portSchema>;

export type PortQuery = { readonly device_id?: string; readonly host?: string };

/** GET /v2.0/ports. Neutron pages only when asked to. */
export const listPorts = async (
  client: ServiceClient,
  { device_id, host }: PortQuery,
): Promise<Port[]> => {
  const search = new URLSearchParams({
    ...(device_id !== undefined && { device_id }),
    ...(host !== undefined && { "binding:host_id": host }),
  });
  return (await call(client, `/ports?${search}`, z.object({ ports: z.array(portSchema) }))).ports;
};

/** https://docs.openstack.org/api-ref/network/v2/#port-binding */
const bindingSchema = z.object({
  host: z.string(),
  /** ACTIVE at the server's host, INACTIVE at a migration's target, or left behind by one that died. */
  status: z.string(),
  vif_type: z.string().nullish(),
});
export type PortBinding = z.infer<typeof bindingSchema>;

/** GET /v2.0/ports/{id}/bindings. A stale INACTIVE one makes each migration to that host fail. */
export const listBindings = async (
  client: ServiceClient,
  portId: string,
): Promise<PortBinding[]> => {
  const schema = z.object({ bindings: z.array(bindingSchema) });
  return (await call(client, `/ports/${encodeURIComponent(portId)}/bindings`, schema)).bindings;
};

/**
 * DELETE /v2.0/ports/{id}/bindings/{host}, admin only: the cure for a stale INACTIVE binding.
 *
 * @throws OpenStackError 404 when there is none
 */
export const deleteBinding = async (
  client: ServiceClient,
  portId: string,
  host: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<void> => {
  const path = `/ports/${encodeURIComponent(portId)}/bindings/${encodeURIComponent(host)}`;
  await call(client, path, z.unknown(), { method: "DELETE", expect: [204], requestId });
};
