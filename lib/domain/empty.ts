import { type Guest, isAtRest } from "./instances.ts";
import { isUnfinished, type SeenMigration } from "./move.ts";

type SeenGuest = Pick<Guest, "id" | "name" | "status" | "taskState" | "powerState">;

/** Everything that has to agree before a host counts as empty, read after it was disabled. */
export type Evidence = {
  readonly servers: readonly SeenGuest[];
  /** Nova left rows out or in part: a cell did not answer. */
  readonly partial: boolean;
  /** Who has an allocation on which provider of the host, migration uuids included. */
  readonly holdings: readonly { readonly consumer: string; readonly provider: string }[];
  /** Migrations from or to the host. */
  readonly migrations: readonly (SeenMigration & { readonly uuid: string })[];
  /** Null when Nova no longer knows the service. */
  readonly serviceStatus: "enabled" | "disabled" | null;
  /** Resource providers of the host; none = Placement knows nothing of it. */
  readonly providers: number;
};

/**
 * The instances that have to leave before the host may be worked on: all but those that were told to
 * stay and rest. One that was told to stay and runs again has to leave like any other.
 */
export const notStaying = <G extends Pick<Guest, "id" | "status" | "taskState" | "powerState">>(
  servers: readonly G[],
  staying: readonly string[],
): G[] => servers.filter((server) => !(staying.includes(server.id) && isAtRest(server)));

/**
 * Why the host may not be worked on; null when it is truly empty. Any doubt counts as not empty:
 * the server list alone lies about guests that are soft-deleted, half migrated, being built, or in
 * a cell that does not answer. Leftovers are named with their cause and cure, and never removed
 * here: only a human can tell that nobody is at work on them.
 *
 * @param staying instances that stay there during the work, as their policy says
 */
export const whyNotEmpty = (evidence: Evidence, staying: readonly string[]): string | null => {
  const { servers, partial, migrations, serviceStatus, providers } = evidence;
  if (serviceStatus === null) return "Nova no longer knows its nova-compute, so nothing is certain";
  if (providers === 0) return "Placement no longer knows its provider, so nothing is certain";
  if (serviceStatus !== "disabled")
    return "nova-compute is enabled, so new instances may land there";
  if (partial) return "a cell did not answer, so the list of instances is not complete";
  const there = notStaying(servers, staying);
  const [server] = there;
  if (server)
    return `${there.length} instance(s) are there, e.g. ${server.name} (${server.id}), ${server.status}`;
  const unfinished = migrations.find(isUnfinished);
  if (unfinished) return wordsOnUnfinished(unfinished);
  const resting = new Set(servers.map(({ id }) => id));
  const leftover = evidence.holdings.find(({ consumer }) => !resting.has(consumer));
  return leftover ? wordsOnLeftover(leftover, migrations) : null;
};

/** Waits for a confirmation, its source still held. */
const TO_BE_CONFIRMED = "finished";

const wordsOnUnfinished = ({ id, instance_id, status, source, target }: SeenMigration): string => {
  const what = `migration ${id} of instance ${instance_id} is ${status} (${source} to ${target})`;
  return status === TO_BE_CONFIRMED
    ? `${what}: its owner confirms or reverts it (openstack server resize confirm ${instance_id})`
    : `${what}; if openstack server show ${instance_id} shows no task, nobody works on it any more: ` +
        `restart nova-compute on ${source}, which ends it, ` +
        `or set its status to error in table migrations of its cell's database`;
};

/** A consumer may be alive elsewhere: then only what it holds here may go. */
const wordsOnLeftover = (
  { consumer, provider }: Evidence["holdings"][number],
  migrations: Evidence["migrations"],
): string => {
  const migration = migrations.find(({ uuid }) => uuid === consumer);
  if (migration)
    return (
      `Placement holds an allocation of migration ${migration.id} there (instance ${migration.instance_id}), ` +
      `which is ${migration.status}: a leftover; ` +
      `remove it: openstack resource provider allocation delete ${consumer}`
    );
  return (
    `Placement holds an allocation of ${consumer} there, and no instance and no migration of the host explains it; ` +
    `if openstack server show ${consumer} finds it on another host or not at all, it is a leftover: ` +
    `openstack resource provider allocation unset --provider ${provider} ${consumer}`
  );
};
