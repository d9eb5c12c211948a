import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/network/v2/#ports */
const portSchema = z
  .object({
    id: z.string(),
    device_id: z.string(),
    device_owner: z.string(),
    network_id: z.string(),
    status: z.string(),
    "binding:vnic_type": z.string().default("normal"),
    "binding:host_id": z.string().nullish(),
    "binding:vif_type": z.string().nullish(),
  })
  .transform((wire) => ({
    id: wire.id,
    device_id: wire.device_id,
    device_owner: wire.device_owner,
    network_id: wire.network_id,
    status: wire.status,
    /** "normal", or a kind of device that may not migrate: direct, direct-physical, macvtap, vdpa ... */
    vnic_type: wire["binding:vnic_type"],
    /** Where it is bound; null when nowhere, and for tenants. */
    host: wire["binding:host_id"] || null,
    vif_type: wire["binding:vif_type"] ?? null,
  }));
export type Port = z.infer<typeof portSchema>;

export type PortQuery = {
  /** Of any of these servers. */
  readonly device_id?: string | readonly string[];
  readonly host?: string;
};

/** So many ids fit into a URL that every proxy lets through. */
const IDS_PER_CALL = 100;

/** GET /v2.0/ports. Neutron pages only when asked to. */
export const listPorts = async (
  client: ServiceClient,
  { device_id, host }: PortQuery,
): Promise<Port[]> => {
  if (device_id === undefined || typeof device_id === "string")
    return portsWith(client, host, device_id === undefined ? [] : [device_id]);
  const found: Port[] = [];
  for (let from = 0; from < device_id.length; from += IDS_PER_CALL)
    found.push(...(await portsWith(client, host, device_id.slice(from, from + IDS_PER_CALL))));
  return found;
};

const portsWith = async (
  client: ServiceClient,
  host: string | undefined,
  devices: readonly string[],
): Promise<Port[]> => {
  const search = new URLSearchParams(host === undefined ? {} : { "binding:host_id": host });
  for (const device of devices) search.append("device_id", device);
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
