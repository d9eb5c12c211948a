import { isUnfinished, type SeenMigration } from "./move.ts";

/** Everything that has to agree before a host counts as empty, read after it was disabled. */
export type Evidence = {
  readonly servers: readonly { readonly id: string; readonly name: string }[];
  /** Nova left rows out or in part: a cell did not answer. */
  readonly partial: boolean;
  /** Consumers with an allocation on the host's resource provider, migration uuids included. */
  readonly consumers: readonly string[];
  /** Migrations from or to the host. */
  readonly migrations: readonly SeenMigration[];
  /** Null when Nova no longer knows the service. */
  readonly serviceStatus: "enabled" | "disabled" | null;
  /** Resource providers of the host; none = Placement knows nothing of it. */
  readonly providers: number;
};

/**
 * Why the host may not be worked on; null when it is truly empty. Any doubt counts as not empty:
 * the server list alone lies about guests that are soft-deleted, half migrated, being built, or in
 * a cell that does not answer.
 */
export const whyNotEmpty = (evidence: Evidence): string | null => {
  const { servers, partial, consumers, migrations, serviceStatus, providers } = evidence;
  if (serviceStatus === null) return "Nova no longer knows its nova-compute, so nothing is certain";
  if (providers === 0) return "Placement no longer knows its provider, so nothing is certain";
  if (serviceStatus !== "disabled")
    return "nova-compute is enabled, so new instances may land there";
  if (partial) return "a cell did not answer, so the list of instances is not complete";
  const [server] = servers;
  if (server) return `${servers.length} instance(s) are there, e.g. ${server.name} (${server.id})`;
  const unfinished = migrations.find(isUnfinished);
  if (unfinished)
    return `migration ${unfinished.id} of instance ${unfinished.instance_id} is ${unfinished.status}`;
  if (consumers.length > 0)
    return (
      `Placement holds an allocation of ${consumers[0]} there and no instance explains it; ` +
      `if it is a leftover: openstack resource provider allocation delete ${consumers[0]}`
    );
  return null;
};
