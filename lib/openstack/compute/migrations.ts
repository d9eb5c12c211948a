import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/compute/#migrations-os-migrations */
const migrationSchema = z.object({
  id: z.number(),
  uuid: z.string(),
  instance_uuid: z.string(),
  migration_type: z.enum(["live-migration", "migration", "resize", "evacuation"]),
  /**
   * On the way: accepted, queued, preparing, pre-migrating, running, migrating, post-migrating,
   * finished (cold, to be confirmed). At an end: completed, confirmed, done; error, failed, cancelled, reverted.
   */
  status: z.string(),
  source_compute: z.string().nullable(),
  source_node: z.string().nullable(),
  /** null until a target is chosen. */
  dest_compute: z.string().nullable(),
  dest_node: z.string().nullable(),
  user_id: z.string().nullish(),
  project_id: z.string().nullish(),
  created_at: z.string(),
  updated_at: z.string().nullable(),
});
export type Migration = z.infer<typeof migrationSchema>;

export type MigrationQuery = {
  readonly instance_uuid?: string;
  /** Source or destination. */
  readonly host?: string;
  readonly status?: string;
  readonly migration_type?: Migration["migration_type"];
  /** At most so many, the newest. */
  readonly limit?: number;
};

/** GET /os-migrations, newest first. Nova itself gives at most its `max_limit` (1000). */
export const listMigrations = async (
  client: ServiceClient,
  { limit, ...query }: MigrationQuery = {},
): Promise<Migration[]> => {
  const search = new URLSearchParams({
    ...query,
    ...(limit !== undefined && { limit: String(limit) }),
  });
  const schema = z.object({ migrations: z.array(migrationSchema) });
  return (await call(client, `/os-migrations?${search}`, schema)).migrations;
};

const bytes = z.number().nullable();

/** https://docs.openstack.org/api-ref/compute/#server-migrations-servers-migrations */
const serverMigrationSchema = z.object({
  id: z.number(),
  uuid: z.string(),
  server_uuid: z.string(),
  status: z.string(),
  source_compute: z.string().nullable(),
  dest_compute: z.string().nullable(),
  /** All six are null before the transfer reports. */
  memory_total_bytes: bytes,
  memory_processed_bytes: bytes,
  memory_remaining_bytes: bytes,
  disk_total_bytes: bytes,
  disk_processed_bytes: bytes,
  disk_remaining_bytes: bytes,
  created_at: z.string(),
  updated_at: z.string().nullable(),
});
export type ServerMigration = z.infer<typeof serverMigrationSchema>;

const pathOf = (serverId: string) => `/servers/${encodeURIComponent(serverId)}/migrations`;

/** GET /servers/{id}/migrations: live migrations in progress, and nothing else. */
export const listServerMigrations = async (
  client: ServiceClient,
  serverId: string,
): Promise<ServerMigration[]> => {
  const schema = z.object({ migrations: z.array(serverMigrationSchema) });
  return (await call(client, pathOf(serverId), schema)).migrations;
};

type Options = { readonly requestId?: string | undefined };

/** DELETE: the server stays where it is, the row turns `cancelled`. @throws OpenStackError 400, 404, 409 when it is over */
export const abortMigration = async (
  client: ServiceClient,
  serverId: string,
  migrationId: number,
  { requestId }: Options = {},
): Promise<void> => {
  const options = { method: "DELETE", expect: [202], requestId } as const;
  await call(client, `${pathOf(serverId)}/${migrationId}`, z.unknown(), options);
};

/** Pauses the guest, or switches to post-copy, so that the transfer ends: an interruption. */
export const forceComplete = async (
  client: ServiceClient,
  serverId: string,
  migrationId: number,
  { requestId }: Options = {},
): Promise<void> => {
  const body = { force_complete: null };
  const options = { method: "POST", body, expect: [202], requestId } as const;
  await call(client, `${pathOf(serverId)}/${migrationId}/action`, z.unknown(), options);
};
