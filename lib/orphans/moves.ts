import type { Migration } from "../openstack/compute/migrations.ts";
import { listMigrations } from "../openstack/compute/migrations.ts";
import { getServer } from "../openstack/compute/servers.ts";
import { isNotFound } from "../openstack/errors.ts";
import type { Look, MarkedHost } from "./look.ts";
import { instantOf, type Orphan } from "./orphan.ts";

const ENDED = ["completed", "confirmed", "done", "error", "failed", "cancelled", "reverted"];

/** A cold move that waits for its confirmation. */
const WAITS = "finished";

export const isUnderWay = ({ status }: Migration): boolean => !ENDED.includes(status);

const factsOf = (host: MarkedHost, row: Migration) => ({
  host: host.name,
  instance_id: row.instance_uuid,
  session_id: host.sessionId,
  since: instantOf(row.created_at),
});

const route = ({ source_compute, dest_compute }: Migration): string =>
  `${source_compute ?? "?"} -> ${dest_compute ?? "not chosen yet"}`;

/** Migrations from and to the host that have not come to an end. */
export const unfinishedMigrations = ({ openstack }: Look, host: MarkedHost): Orphan[] =>
  host.migrations
    .filter((row) => isUnderWay(row) && row.status !== WAITS)
    .map((row) => {
      const live = row.migration_type === "live-migration";
      const abort = openstack("server", "migration", "abort", row.instance_uuid, String(row.id));
      return {
        kind: "migration_unfinished",
        ...factsOf(host, row),
        message: `${row.migration_type} ${row.id} of instance ${row.instance_uuid}, ${route(row)}, is ${row.status}: let it end first`,
        command: openstack("server", "migration", "list", "--server", row.instance_uuid),
        alternative: live ? abort : null,
      };
    });

/**
 * Cold moves that the engine asked for and nobody has confirmed. An owner's own resize looks the
 * same but for its user: it is his to confirm.
 */
export const unconfirmedMoves = async (look: Look, host: MarkedHost): Promise<Orphan[]> => {
  const rows = host.migrations.filter(
    ({ status, migration_type, user_id }) =>
      status === WAITS && migration_type === "migration" && user_id === look.engineUser,
  );
  const waiting = await Promise.all(rows.map((row) => isWaiting(look, row)));
  return rows
    .filter((_, index) => waiting[index])
    .map((row) => ({
      kind: "move_unconfirmed",
      ...factsOf(host, row),
      message: `instance ${row.instance_uuid} was moved cold, ${route(row)}, and waits to be confirmed`,
      command: look.openstack("server", "migration", "confirm", row.instance_uuid),
      alternative: look.openstack("server", "migration", "revert", row.instance_uuid),
    }));
};

/** Whether the row is the instance's newest and the instance says so, too. */
const isWaiting = async ({ cloud }: Look, row: Migration): Promise<boolean> => {
  const [newest] = await listMigrations(cloud.compute, {
    instance_uuid: row.instance_uuid,
    limit: 1,
  });
  if (newest?.id !== row.id) return false;
  try {
    return (await getServer(cloud.compute, row.instance_uuid)).status === "VERIFY_RESIZE";
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};
