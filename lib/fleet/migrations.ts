import type { SeenMigration } from "../domain/move.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listMigrations, type Migration } from "../openstack/compute/migrations.ts";

/** Rows that one question may bring: more than a host can have in flight. */
const NEWEST = 200;

/** A migration of the list, and its uuid: it holds allocations under it. */
type ListedMigration = SeenMigration & { readonly uuid: string };

const toSeen = (migration: Migration): ListedMigration => ({
  id: migration.id,
  uuid: migration.uuid,
  instance_id: migration.instance_uuid,
  status: migration.status,
  source: migration.source_compute,
  target: migration.dest_compute,
});

/** The newest migrations from or to the host. */
export const migrationsOf = async (cloud: Cloud, host: string): Promise<ListedMigration[]> =>
  (await listMigrations(cloud.compute, { host, limit: NEWEST })).map(toSeen);

/** The id of the instance's newest migration, whoever asked for it; 0 when it never moved. */
export const newestMigration = async (cloud: Cloud, instanceId: string): Promise<number> => {
  const [newest] = await listMigrations(cloud.compute, { instance_uuid: instanceId, limit: 1 });
  return newest?.id ?? 0;
};
