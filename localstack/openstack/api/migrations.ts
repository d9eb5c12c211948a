import type { Simulation } from "../simulation.ts";
import { VM_STATES } from "../spec.ts";
import type { Migration } from "../world.ts";
import { requireState, requireUnlocked } from "./action-rules.ts";
import { type Ask, novaTime, Refused, type Reply, type Route } from "./reply.ts";
import { isCellDown } from "./server-body.ts";
import { instanceOf } from "./servers.ts";

/** What Nova lists below a server; `accepted` is not among it. */
const UNDER_WAY = ["queued", "preparing", "running", "post-migrating"];

const isUnderWay = (row: Migration): boolean =>
  row.type === "live-migration" && UNDER_WAY.includes(row.status);

const rowBody = (row: Migration, base: string) => {
  const path = `servers/${row.instance_id}/migrations/${row.id}`;
  const links = [
    { rel: "self", href: `${base}/compute/v2.1/${path}` },
    { rel: "bookmark", href: `${base}/compute/${path}` },
  ];
  return {
    id: row.id,
    uuid: row.uuid,
    source_compute: row.source,
    dest_compute: row.dest,
    source_node: row.source,
    dest_node: row.dest,
    dest_host: null,
    old_instance_type_id: 1,
    new_instance_type_id: 1,
    instance_uuid: row.instance_id,
    status: row.status,
    migration_type: row.type,
    user_id: row.user_id,
    project_id: row.project_id,
    created_at: novaTime(row.created_at),
    updated_at: novaTime(row.updated_at),
    ...(isUnderWay(row) && { links }),
  };
};

const MAX_LIMIT = 1_000;

const list = ({ simulation, query, base }: Ask): Reply => {
  const wanted = (name: string, value: string | null) =>
    !query.has(name) || query.get(name) === value;
  const limit = Math.min(Number(query.get("limit") ?? MAX_LIMIT), MAX_LIMIT);
  const host = query.get("host");
  const rows = simulation.world.migrations
    .filter((row) => wanted("instance_uuid", row.instance_id))
    .filter((row) => wanted("status", row.status))
    .filter((row) => wanted("migration_type", row.type))
    .filter((row) => host === null || row.source === host || row.dest === host)
    .filter((row) => !inDownCell(simulation, row))
    .toReversed()
    .slice(0, limit);
  return { status: 200, body: { migrations: rows.map((row) => rowBody(row, base)) } };
};

const inDownCell = (simulation: Simulation, row: Migration): boolean => {
  const instance = simulation.world.instances.get(row.instance_id);
  return instance !== undefined && isCellDown(simulation, instance);
};

const progressOf = ({ clock }: Simulation, { transfer }: Migration) => {
  if (!transfer) return { total: null, processed: null, remaining: null };
  const { total, rate, started_at } = transfer;
  const sent = ((clock.now() - started_at) / 1_000) * (rate || total / 10);
  const least = rate === 0 ? Math.floor(total * 0.4) : 0;
  return {
    total,
    processed: Math.floor(sent),
    remaining: Math.max(least, Math.floor(total - sent)),
  };
};

const listOfServer = (ask: Ask): Reply => {
  const instance = instanceOf(ask);
  const migrations = ask.simulation.world.migrations
    .filter((row) => row.instance_id === instance.id && isUnderWay(row))
    .map((row) => {
      const memory = progressOf(ask.simulation, row);
      return {
        created_at: novaTime(row.created_at),
        dest_compute: row.dest,
        dest_host: null,
        dest_node: row.dest,
        disk_processed_bytes: null,
        disk_remaining_bytes: null,
        disk_total_bytes: null,
        id: row.id,
        memory_processed_bytes: memory.processed,
        memory_remaining_bytes: memory.remaining,
        memory_total_bytes: memory.total,
        server_uuid: instance.id,
        source_compute: row.source,
        source_node: row.source,
        status: row.status,
        updated_at: novaTime(row.updated_at),
        uuid: row.uuid,
        user_id: row.user_id,
        project_id: row.project_id,
      };
    });
  return { status: 200, body: { migrations } };
};

const underWay = (
  ask: Ask,
  what: string,
  unknown: number,
  states: readonly string[] = VM_STATES,
): Migration => {
  const instance = instanceOf(ask);
  const id = Number(ask.params["migration"]);
  requireUnlocked(ask, instance);
  requireState(what, instance, states, [instance.task_state]);
  if (instance.task_state !== "migrating")
    throw new Refused(
      409,
      instance.task_state === null
        ? `Instance ${instance.id} is in an invalid state for '${what}'`
        : `Cannot '${what}' instance ${instance.id} while it is in task_state ${instance.task_state}`,
    );
  const row = ask.simulation.world.migrations.find(
    (one) => one.id === id && one.instance_id === instance.id,
  );
  if (!row)
    throw new Refused(unknown, `Migration ${id} for instance ${instance.id} could not be found.`);
  return row;
};

const invalid = (row: Migration, method: string): Refused =>
  new Refused(
    400,
    `Migration ${row.id} state of instance ${row.instance_id} is ${row.status}. Cannot ${method} while the migration is in this state.`,
  );

const abort = (ask: Ask): Reply => {
  const row = underWay(ask, "abort live migration", 404);
  if (!["queued", "preparing", "running"].includes(row.status)) throw invalid(row, "abort");
  const { clock, moves, spec } = ask.simulation;
  clock.at(clock.now() + spec.timing.stop_ms, () => moves.get(row.id)?.stop.abort("aborted"));
  return { status: 202 };
};

const force = (ask: Ask): Reply => {
  const row = underWay(ask, "force_complete", 400, ["active"]);
  if (row.status !== "running") throw invalid(row, "force_complete");
  ask.simulation.moves.get(row.id)?.force.abort();
  return { status: 202 };
};

const policy = (name: string) => `os_compute_api:servers:migrations:${name}`;
const BELOW = "^/servers/(?<id>[^/]+)/migrations";

export const migrationRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/os-migrations$/,
    policy: "os_compute_api:os-migrations:index",
    handle: list,
  },
  { method: "GET", path: new RegExp(`${BELOW}$`), policy: policy("index"), handle: listOfServer },
  {
    method: "DELETE",
    path: new RegExp(`${BELOW}/(?<migration>\\d+)$`),
    policy: policy("delete"),
    handle: abort,
  },
  {
    method: "POST",
    path: new RegExp(`${BELOW}/(?<migration>\\d+)/action$`),
    policy: policy("force_complete"),
    handle: force,
  },
];
