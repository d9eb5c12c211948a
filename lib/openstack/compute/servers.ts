import * as z from "zod";
import { isNotFound } from "../errors.ts";
import { call, type ServiceClient } from "../http.ts";
import { isBadMarker, pages } from "../paging.ts";
import { type Accepted, act } from "./server-actions.ts";

const flavorSchema = z
  .object({
    original_name: z.string().default(""),
    vcpus: z.number().default(0),
    /** MiB. */
    ram: z.number().default(0),
    /** GiB. */
    disk: z.number().default(0),
    ephemeral: z.number().default(0),
    /** MiB. */
    swap: z.number().or(z.literal("")).transform(Number).default(0),
    extra_specs: z.record(z.string(), z.string()).default({}),
  })
  .transform(({ original_name, ...flavor }) => ({ name: original_name, ...flavor }));

const orNull = <S extends z.ZodType>(schema: S) =>
  schema.nullish().transform((value) => value ?? null);

const text = orNull(z.string());

const imageSchema = z.object({
  id: z.string(),
  properties: orNull(z.record(z.string(), z.unknown().transform(String))),
});

/**
 * https://docs.openstack.org/api-ref/compute/#show-server-details. Everything but id and status is
 * tolerated to be missing: a tenant sees less, and so does everyone when the server's cell is down.
 */
const wireSchema = z.object({
  id: z.string(),
  name: text,
  status: z.string(),
  tenant_id: text,
  user_id: text,
  created: text,
  hostId: text,
  metadata: z.record(z.string(), z.string()).default({}),
  flavor: orNull(flavorSchema),
  image: z.union([imageSchema, z.literal(""), z.null()]).optional(),
  locked: z.boolean().default(false),
  locked_reason: text,
  host_status: text,
  server_groups: orNull(z.array(z.string())),
  pinned_availability_zone: z.string().nullish(),
  "OS-EXT-AZ:availability_zone": text,
  "OS-EXT-SRV-ATTR:host": text,
  "OS-EXT-SRV-ATTR:hypervisor_hostname": text,
  "OS-EXT-STS:task_state": text,
  "OS-EXT-STS:vm_state": text,
  "OS-EXT-STS:power_state": orNull(z.number()),
  "os-extended-volumes:volumes_attached": z.array(z.object({ id: z.string() })).default([]),
  fault: orNull(z.object({ message: z.string() })),
});

const imageOf = (image: z.infer<typeof wireSchema>["image"]) =>
  typeof image === "object" ? image : null;

const serverSchema = wireSchema.transform((wire) => ({
  id: wire.id,
  name: wire.name,
  status: wire.status,
  task_state: wire["OS-EXT-STS:task_state"],
  vm_state: wire["OS-EXT-STS:vm_state"],
  power_state: wire["OS-EXT-STS:power_state"],
  /** The host of its nova-compute; null for tenants and while it has none. */
  host: wire["OS-EXT-SRV-ATTR:host"],
  hypervisor_hostname: wire["OS-EXT-SRV-ATTR:hypervisor_hostname"],
  /** UP, MAINTENANCE (service disabled), UNKNOWN (late heartbeat), DOWN (forced); null for tenants. */
  host_status: wire.host_status,
  /** sha224(project + host), the only word about the host a tenant gets. */
  host_id: wire.hostId,
  project_id: wire.tenant_id,
  user_id: wire.user_id,
  flavor: wire.flavor,
  image_id: imageOf(wire.image)?.id ?? null,
  /** e.g. {hw_tpm_model: "tpm-crb"}; null when booted from a volume, or when Nova is too old (< 2.98) to tell. */
  image_properties: imageOf(wire.image)?.properties ?? null,
  volume_ids: wire["os-extended-volumes:volumes_attached"].map((volume) => volume.id),
  metadata: wire.metadata,
  locked: wire.locked,
  locked_reason: wire.locked_reason,
  /** Ids; null where Nova does not tell (lists). */
  server_groups: wire.server_groups,
  az: wire["OS-EXT-AZ:availability_zone"],
  /** The zone the server was asked into; null when in none, undefined when Nova is too old (< 2.96) to tell. */
  pinned_az: wire.pinned_availability_zone,
  created: wire.created,
  /** Why it is in ERROR, in Nova's words. */
  fault: wire.fault?.message ?? null,
  /** Its cell did not answer: all but id, status, project and creation is unknown. */
  partial: wire.status === "UNKNOWN" && wire["OS-EXT-STS:vm_state"] === null,
}));
export type Server = z.infer<typeof serverSchema>;

export type ServerQuery = {
  /** Hides, silently, servers of a cell that does not answer. */
  readonly host?: string;
  readonly project_id?: string;
  /** Admin only; without it the token's project alone. */
  readonly all_tenants?: boolean;
  /** Only servers deleted for good. */
  readonly deleted?: boolean;
  /** Besides the others, also servers in status SOFT_DELETED, which Nova otherwise hides. Admin only. */
  readonly soft_deleted?: boolean;
  /** Servers per page; all pages are read. */
  readonly limit?: number;
};

const pageSchema = z.object({
  servers: z.array(serverSchema),
  servers_links: z.array(z.object({ rel: z.string() })).optional(),
});

/** GET /servers/detail, to the last page. Nova alone decides the order: newest first. */
export const listServers = (client: ServiceClient, query: ServerQuery = {}): Promise<Server[]> =>
  pages(async (marker) => {
    const search = searchOf({ ...query, marker });
    const page = await call(client, `/servers/detail?${search}`, pageSchema);
    return { rows: page.servers, more: page.servers_links?.some((it) => it.rel === "next") };
  }, isBadMarker);

const searchOf = ({
  host,
  project_id,
  all_tenants,
  deleted,
  soft_deleted,
  limit,
  marker,
}: ServerQuery & { readonly marker: string | undefined }) =>
  new URLSearchParams({
    ...(host !== undefined && { host }),
    ...(project_id !== undefined && { project_id }),
    ...(all_tenants && { all_tenants: "1" }),
    ...(deleted && { deleted: "true" }),
    ...(soft_deleted && { soft_deleted: "true" }),
    ...(limit !== undefined && { limit: String(limit) }),
    ...(marker !== undefined && { marker }),
  });

/** GET /servers/{id}. @throws OpenStackError 404 for an unknown server and for another project's */
export const getServer = async (client: ServiceClient, id: string): Promise<Server> =>
  (await call(client, `/servers/${encodeURIComponent(id)}`, z.object({ server: serverSchema })))
    .server;

/** The server, or null when there is none (any more) that this user may see. */
export const findServer = async (client: ServiceClient, id: string): Promise<Server | null> => {
  try {
    return await getServer(client, id);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
};

export type ActionOptions = {
  /** null or absent: Nova's scheduler chooses. */
  readonly host?: string | null;
  readonly requestId?: string | undefined;
};

/**
 * os-migrateLive. Accepted means asked for, not done: success is the migration row `completed` and
 * another host, failure shows in the row alone (https://docs.openstack.org/api-ref/compute/#live-migrate-server-os-migratelive-action).
 *
 * @throws OpenStackError 409 while the server is in a task, 400 for an unknown host
 */
export const liveMigrate = (
  client: ServiceClient,
  id: string,
  { host = null, requestId }: ActionOptions = {},
): Promise<Accepted> =>
  act(client, id, { "os-migrateLive": { host, block_migration: "auto" } }, { requestId });

/** migrate: stops the server, moves it, ends in VERIFY_RESIZE; then confirm or revert. */
export const coldMigrate = (
  client: ServiceClient,
  id: string,
  { host = null, requestId }: ActionOptions = {},
): Promise<Accepted> => act(client, id, { migrate: { host } }, { requestId });

/** confirmResize: frees the source. @throws OpenStackError 409 unless in VERIFY_RESIZE, 400 while it is being confirmed */
export const confirmResize = (
  client: ServiceClient,
  id: string,
  { requestId }: Omit<ActionOptions, "host"> = {},
): Promise<Accepted> => act(client, id, { confirmResize: null }, { expect: [204], requestId });

/** revertResize: back to the source. @throws OpenStackError 400 or 409 unless in VERIFY_RESIZE */
export const revertResize = (
  client: ServiceClient,
  id: string,
  { requestId }: Omit<ActionOptions, "host"> = {},
): Promise<Accepted> => act(client, id, { revertResize: null }, { requestId });
