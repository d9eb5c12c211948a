import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/placement/#resource-providers */
const providerSchema = z.object({
  uuid: z.string(),
  name: z.string(),
  generation: z.number(),
  parent_provider_uuid: z.string().nullable(),
  root_provider_uuid: z.string().nullable(),
});
export type Provider = z.infer<typeof providerSchema>;

/** Amounts by resource class, e.g. {VCPU: 4, MEMORY_MB: 2048}. */
const amountsSchema = z.record(z.string(), z.number());
export type Amounts = z.infer<typeof amountsSchema>;

/** The provider of a name (a compute node's is its hypervisor_hostname), or undefined. */
export const findProvider = async (
  client: ServiceClient,
  name: string,
): Promise<Provider | undefined> => {
  const schema = z.object({ resource_providers: z.array(providerSchema) });
  const path = `/resource_providers?${new URLSearchParams({ name })}`;
  return (await call(client, path, schema)).resource_providers[0];
};

/** A provider and everything nested below it, e.g. NUMA cells and network devices. */
export const providersOf = async (client: ServiceClient, rootId: string): Promise<Provider[]> => {
  const schema = z.object({ resource_providers: z.array(providerSchema) });
  const path = `/resource_providers?${new URLSearchParams({ in_tree: rootId })}`;
  return (await call(client, path, schema)).resource_providers;
};

const inventorySchema = z.object({
  total: z.number(),
  reserved: z.number(),
  allocation_ratio: z.number(),
  min_unit: z.number(),
  max_unit: z.number(),
  step_size: z.number(),
});
export type Inventory = z.infer<typeof inventorySchema>;

const pathOf = (providerId: string) => `/resource_providers/${encodeURIComponent(providerId)}`;

/** What the provider has, by resource class. */
export const inventories = async (
  client: ServiceClient,
  providerId: string,
): Promise<Record<string, Inventory>> => {
  const schema = z.object({ inventories: z.record(z.string(), inventorySchema) });
  return (await call(client, `${pathOf(providerId)}/inventories`, schema)).inventories;
};

/** What can be allocated of an inventory in all. */
export const capacityOf = ({ total, reserved, allocation_ratio }: Inventory): number =>
  Math.floor((total - reserved) * allocation_ratio);

/** What is allocated, by resource class. */
export const usages = async (client: ServiceClient, providerId: string): Promise<Amounts> => {
  const schema = z.object({ usages: amountsSchema });
  return (await call(client, `${pathOf(providerId)}/usages`, schema)).usages;
};

const heldSchema = z.object({ resources: amountsSchema });
export type Held = z.infer<typeof heldSchema>;

/**
 * Who holds what of a provider. Consumers are servers and, while one moves or after a move that
 * died, migrations.
 */
export const allocations = async (
  client: ServiceClient,
  providerId: string,
): Promise<Record<string, Held>> => {
  const schema = z.object({ allocations: z.record(z.string(), heldSchema) });
  return (await call(client, `${pathOf(providerId)}/allocations`, schema)).allocations;
};

/** What a consumer holds, by provider; empty for an unknown consumer. */
export const allocationsOf = async (
  client: ServiceClient,
  consumerId: string,
): Promise<Record<string, Held>> => {
  const schema = z.object({ allocations: z.record(z.string(), heldSchema) });
  return (await call(client, `/allocations/${encodeURIComponent(consumerId)}`, schema)).allocations;
};

/**
 * DELETE /allocations/{consumer}: frees what a migration that died left behind. Nova does not learn
 * of it, so never for a server or for a migration under way.
 *
 * @throws OpenStackError 404 when the consumer holds nothing
 */
export const deleteAllocations = async (
  client: ServiceClient,
  consumerId: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<void> => {
  const path = `/allocations/${encodeURIComponent(consumerId)}`;
  await call(client, path, z.unknown(), { method: "DELETE", expect: [204], requestId });
};

/** COMPUTE_STATUS_DISABLED among them: Nova's scheduler leaves the host out. */
export const traits = async (client: ServiceClient, providerId: string): Promise<string[]> => {
  const schema = z.object({ traits: z.array(z.string()) });
  return (await call(client, `${pathOf(providerId)}/traits`, schema)).traits;
};
