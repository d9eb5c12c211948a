import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/compute/#compute-services-os-services */
const serviceSchema = z.object({
  /** Empty in the row of a cell that does not answer: nothing can be done to it. */
  id: z.string().default(""),
  binary: z.string(),
  host: z.string(),
  zone: z
    .string()
    .nullish()
    .transform((zone) => zone ?? null),
  status: z.enum(["enabled", "disabled", "UNKNOWN"]),
  state: z.enum(["up", "down", "UNKNOWN"]).default("UNKNOWN"),
  disabled_reason: z
    .string()
    .nullish()
    .transform((reason) => reason ?? null),
  /** The last heartbeat, in UTC without a zone, as Nova writes it. */
  updated_at: z
    .string()
    .nullish()
    .transform((at) => at ?? null),
  forced_down: z.boolean().default(false),
});
export type Service = z.infer<typeof serviceSchema>;

export type ServiceQuery = { readonly host?: string; readonly binary?: string };

/** GET /os-services. Rows of a down cell have status "UNKNOWN". */
export const listServices = async (
  client: ServiceClient,
  query: ServiceQuery = {},
): Promise<Service[]> => {
  const reply = await call(
    client,
    `/os-services?${new URLSearchParams(query)}`,
    z.object({ services: z.array(serviceSchema) }),
  );
  return reply.services;
};

/** The nova-compute of a host, or undefined when the cloud has none of that name. */
export const getService = async (
  client: ServiceClient,
  host: string,
): Promise<Service | undefined> =>
  (await listServices(client, { host, binary: "nova-compute" })).find(
    (service) => service.host === host,
  );

const update = async (
  client: ServiceClient,
  id: string,
  body: unknown,
  requestId: string | undefined,
): Promise<Service> => {
  const schema = z.object({ service: serviceSchema });
  const path = `/os-services/${encodeURIComponent(id)}`;
  return (await call(client, path, schema, { method: "PUT", body, requestId })).service;
};

/**
 * PUT /os-services/{id}: nothing new is scheduled to the host; its servers stay. Idempotent:
 * disabling a disabled service only replaces the reason (1 to 255 characters).
 */
export const disableService = (
  client: ServiceClient,
  id: string,
  reason: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<Service> =>
  update(client, id, { status: "disabled", disabled_reason: reason }, requestId);

/** PUT /os-services/{id}; clears the reason. Idempotent. */
export const enableService = (
  client: ServiceClient,
  id: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<Service> => update(client, id, { status: "enabled" }, requestId);

/**
 * PUT /os-services/{id} forced_down: tells Nova that the host is dead (fenced), before its heartbeat
 * does, or that it no longer is.
 *
 * @throws OpenStackError 400 when lifted while evacuations from the host are `done` and not `completed`
 */
export const forceDown = (
  client: ServiceClient,
  id: string,
  down: boolean,
  { requestId }: { readonly requestId?: string } = {},
): Promise<Service> => update(client, id, { forced_down: down }, requestId);

/**
 * DELETE /os-services/{id}: also takes the host out of its aggregates and deletes its resource
 * provider. A nova-compute that still runs registers itself anew.
 *
 * @throws OpenStackError 409 while it has servers or unfinished migrations, 404 for an unknown one
 */
export const deleteService = async (
  client: ServiceClient,
  id: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<void> => {
  const options = { method: "DELETE", expect: [204], requestId } as const;
  await call(client, `/os-services/${encodeURIComponent(id)}`, z.unknown(), options);
};
