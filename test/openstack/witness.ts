import { setTimeout as pause } from "node:timers/promises";
import type { Cloud } from "../../lib/openstack/cloud.ts";
import { listHypervisors } from "../../lib/openstack/compute/hypervisors.ts";
import { listInstanceActions } from "../../lib/openstack/compute/instance-actions.ts";
import { listMigrations } from "../../lib/openstack/compute/migrations.ts";
import { listServerGroups, type ServerGroup } from "../../lib/openstack/compute/server-groups.ts";
import { listServers } from "../../lib/openstack/compute/servers.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { type Inventory, inventories } from "../../lib/openstack/placement/resource-providers.ts";
import type {
  Call,
  ChangeFacts,
  Permission,
  SessionStory,
  Story,
  WorldFacts,
} from "../../localstack/openstack/invariants/story.ts";

type SeenInstance = WorldFacts["instances"][number] & {
  readonly metadata: Readonly<Record<string, string>>;
};

/** A real cloud as far as a judge of simulated ones wants to know it. */
export type World = Omit<WorldFacts, "instances"> & { readonly instances: SeenInstance[] };

/** What a cloud went through, and how it is now. */
type Testimony = Omit<Story, "before" | "after"> & {
  readonly before: World;
  readonly after: World;
};

type Witness = {
  /** Ends the watch, and tells what was seen. @throws what kept it from looking */
  readonly testify: (
    sessions: readonly SessionStory[],
    permissions: readonly Permission[],
  ) => Promise<Testimony>;
  readonly stop: () => void;
};

const EVERY_MS = 500;

/**
 * Watches a real cloud with the eyes of its administrator, so that it can be held to the promises
 * that simulated ones are held to.
 *
 * A look takes some tenths of a second, and what comes and goes between two is not seen. Moves are
 * known all the same: their rows remain, and every call that acts on a server is in Nova's own list of
 * actions. Who changed which service Nova does not keep: of that only the changes are told.
 */
export const watchCloud = async (cloud: Cloud): Promise<Witness> => {
  const fixed = {
    groups: await listServerGroups(cloud.compute, { all_projects: true }),
    sizes: await sizesOf(cloud),
  };
  const before = await look(cloud, fixed);
  const history: ChangeFacts[] = [];
  let last = before;
  const ended = new AbortController();
  const watching = (async () => {
    while (!ended.signal.aborted) {
      await pause(EVERY_MS);
      const now = withTheGone(last, await look(cloud, fixed));
      history.push(...changesBetween(last, now));
      last = now;
    }
  })();
  // Told by `testify`, and not before somebody asks.
  watching.catch(() => {});
  return {
    testify: async (sessions, permissions) => {
      ended.abort();
      await watching;
      const journal = await callsSince(cloud, before, last);
      return { before, after: last, journal, history, sessions, permissions };
    },
    stop: () => ended.abort(),
  };
};

/** What does not change while a cloud is watched. */
type Fixed = {
  readonly groups: readonly ServerGroup[];
  readonly sizes: ReadonlyMap<string, ReturnType<typeof sizeOf>>;
};

/** By host. */
const sizesOf = async ({ compute, placement }: Cloud): Promise<Fixed["sizes"]> => {
  const nodes = await listHypervisors(compute);
  const sizes = nodes.map(
    async ({ id, service }) => [service.host, sizeOf(await inventories(placement, id))] as const,
  );
  return new Map(await Promise.all(sizes));
};

const sizeOf = ({ VCPU, MEMORY_MB, DISK_GB }: Readonly<Record<string, Inventory>>) => ({
  vcpus: VCPU?.total ?? 0,
  memory_mb: MEMORY_MB?.total ?? 0,
  disk_gb: DISK_GB?.total ?? 0,
  cpu_ratio: VCPU?.allocation_ratio ?? 1,
  memory_ratio: MEMORY_MB?.allocation_ratio ?? 1,
});

/** Servers first: the list of migrations is then never older than where they are. */
const look = async ({ compute }: Cloud, { groups, sizes }: Fixed): Promise<World> => {
  const now = Date.now();
  const servers = await listServers(compute, { all_tenants: true });
  const migrations = await listMigrations(compute, { limit: 100 });
  const services = await listServices(compute, { binary: "nova-compute" });
  return {
    now,
    projects: [],
    changes: 0,
    groups: groups.map(({ id, name, policy }) => ({ id, name, policy: policy ?? "" })),
    hosts: services.map(({ id, host, status, disabled_reason, forced_down }) => ({
      name: host,
      service_id: id,
      ...(sizes.get(host) ?? sizeOf({})),
      status: status === "disabled" ? "disabled" : "enabled",
      disabled_reason,
      forced_down,
    })),
    instances: servers.map((server) => ({
      id: server.id,
      name: server.name ?? "",
      project_id: server.project_id ?? "",
      flavor: server.flavor ?? { vcpus: 0, ram: 0, disk: 0 },
      volumes: server.volume_ids,
      group_id: groups.find(({ members }) => members.includes(server.id))?.id ?? null,
      host: server.host,
      vm_state: server.vm_state ?? "",
      task_state: server.task_state,
      metadata: server.metadata,
      created_at: Date.parse(server.created ?? ""),
    })),
    migrations: migrations.map((row) => ({
      id: row.id,
      instance_id: row.instance_uuid,
      type: row.migration_type,
      source: row.source_compute ?? "",
      dest: row.dest_compute,
      status: row.status,
      created_at: instant(row.created_at),
      updated_at: instant(row.updated_at ?? row.created_at),
    })),
  };
};

/** Nova's instants have no zone and are in UTC. */
const instant = (at: string): number => Date.parse(at.endsWith("Z") ? at : `${at}Z`);

/** A deleted server is no longer listed: it stays in the story, deleted. */
const withTheGone = (was: World, is: World): World => {
  const listed = new Set(is.instances.map(({ id }) => id));
  const gone = was.instances
    .filter(({ id }) => !listed.has(id))
    .map((one) => ({ ...one, vm_state: "deleted", task_state: null, host: null }));
  return { ...is, instances: [...is.instances, ...gone] };
};

/**
 * What differs between two looks. The end of a move comes before what it made room for. A change is
 * dated to the look before the one that saw it: it may have come right then, and what somebody did
 * because of it must not seem to come before it.
 */
const changesBetween = (was: World, is: World): ChangeFacts[] =>
  [
    ...differences("migration", was.migrations, is.migrations, ["status", "dest"]),
    ...differences("instance", was.instances, is.instances, [
      "host",
      "vm_state",
      "task_state",
      "metadata",
    ]),
    ...differences("host", named(was.hosts), named(is.hosts), ["status", "disabled_reason"]),
  ].map((change) => ({ ...change, at: was.now }));

const named = (hosts: World["hosts"]) => hosts.map((host) => ({ ...host, id: host.name }));

const differences = <T extends { readonly id: string | number }>(
  kind: ChangeFacts["kind"],
  was: readonly T[],
  is: readonly T[],
  fields: readonly (keyof T & string)[],
): Omit<ChangeFacts, "at">[] => {
  const known = new Map(was.map((thing) => [thing.id, thing]));
  return is.flatMap((thing) => {
    const old = known.get(thing.id);
    if (old === undefined) return [];
    return fields
      .filter((field) => JSON.stringify(old[field]) !== JSON.stringify(thing[field]))
      .map((field) => ({
        kind,
        id: String(thing.id),
        field,
        before: old[field],
        after: thing[field],
      }));
  });
};

/** Nova's name of an action, where it is not the one that the call has. */
const CALLS: Readonly<Record<string, string>> = { "live-migration": "os-migrateLive" };

/** Nova writes whole seconds. A call is dated to the end of its own, as looks come after what they see. */
const SECOND_MS = 1_000;

/** Every call on a server that Nova accepted meanwhile, the oldest first. */
const callsSince = async (
  { compute }: Cloud,
  before: World,
  { instances }: World,
): Promise<Call[]> => {
  const calls: Call[] = [];
  for (const { id } of instances)
    for (const { action, start_time, ...asked } of await listInstanceActions(compute, id)) {
      const at = instant(start_time) + SECOND_MS;
      if (at <= before.now) continue;
      calls.push({
        ...callOf(id, action),
        at,
        service: "compute",
        requestId: asked.request_id,
        status: 202,
        project_id: asked.project_id,
      });
    }
  return calls.toSorted((one, other) => one.at - other.at);
};

const callOf = (id: string, action: string): Pick<Call, "method" | "path" | "body"> => {
  if (action === "create") return { method: "POST", path: "/servers" };
  if (action === "delete") return { method: "DELETE", path: `/servers/${id}` };
  const body = { [CALLS[action] ?? action]: null };
  return { method: "POST", path: `/servers/${id}/action`, body };
};
