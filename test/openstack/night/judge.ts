import type { Migration } from "../../../lib/openstack/compute/migrations.ts";
import type { ServerGroup } from "../../../lib/openstack/compute/server-groups.ts";
import type { Service } from "../../../lib/openstack/compute/services.ts";
import type { Detail } from "../lull-on-lab.ts";
import type { Work } from "./host-work.ts";
import type { Incidents } from "./incidents.ts";
import { heldAt, type Seen, type Sighting } from "./observer.ts";

/** One thing that Nova was asked to do to a server since the night began. */
export type Deed = {
  readonly server: string;
  readonly action: string;
  readonly user: string | null;
  readonly at: string;
};

/** All that a night left behind, read from Nova and Placement but for `detail`, which is Lull's word. */
export type Evidence = {
  readonly session: string;
  /** The user that Lull's engine is in Nova. */
  readonly engine: string;
  readonly detail: Detail;
  readonly seen: Seen;
  readonly before: readonly Service[];
  readonly after: readonly Service[];
  readonly migrations: readonly Migration[];
  readonly deeds: readonly Deed[];
  readonly groups: readonly ServerGroup[];
  /** Hosts by what is wrong with their Placement account; empty when nothing is. */
  readonly overfull: readonly string[];
  readonly work: readonly Work[];
  readonly incidents: Incidents;
};

/** An invariant of the design, by number, and what broke it. */
export type Verdict = { readonly invariant: string; readonly broken: readonly string[] };

/** Holds a night against the invariants that a cloud can show. */
export const judge = (evidence: Evidence): Verdict[] => [
  { invariant: "1 no instance comes to harm", broken: harm(evidence) },
  { invariant: "2 work only on an empty host", broken: workOnGuests(evidence) },
  { invariant: "3 one owner, one call per move", broken: straymoves(evidence) },
  { invariant: "4 capacity and anti-affinity", broken: crowds(evidence) },
  { invariant: "5 one member of a group at once", broken: together(evidence) },
  { invariant: "6 each service ends as it was", broken: servicesLeft(evidence) },
  { invariant: "everything is explained", broken: unexplained(evidence) },
];

/** Two of the lab's heartbeats, and the time of a look: until then nobody can know that a host is dead. */
const UNKNOWABLE_MS = 12_000;

const harm = ({ deeds, engine, seen, incidents, migrations }: Evidence): string[] => [
  ...deeds
    .filter(({ user, action }) => user === engine && !/^live[-_]migration/.test(action))
    .map(({ server, action }) => `Lull did ${action} to ${server}`),
  ...deeds
    .filter(({ action }) => action === "live_migration_force_complete")
    .map(({ server }) => `the move of ${server} was forced`),
  ...[...seen.servers].flatMap(([id, sightings]) =>
    [...new Set(sightings.map(({ status }) => status))]
      .filter((status) => !["ACTIVE", "MIGRATING"].includes(status) && id !== incidents.deleted)
      .filter((status) => status !== "ERROR" || !diedWithItsHost(id, migrations, incidents))
      .map((status) => `${id} was seen ${status}`),
  ),
];

/**
 * Nova puts a server into ERROR when its move is begun from a host that has just died. Whoever began
 * it before the death could be known is not to blame.
 */
const diedWithItsHost = (
  id: string,
  migrations: readonly Migration[],
  { killed, killedAt }: Incidents,
): boolean =>
  migrations.some(
    ({ instance_uuid, source_compute, created_at }) =>
      instance_uuid === id &&
      source_compute === killed &&
      instant(created_at) < killedAt + UNKNOWABLE_MS,
  );

const workOnGuests = ({ work, detail }: Evidence): string[] => [
  ...work.filter(({ found }) => found.length > 0).map((it) => `${it.host}: ${it.found.join(", ")}`),
  ...detail.hosts
    .filter((host) => host.outcome === "maintained")
    .filter(({ hostname }) => work.filter(({ host }) => host === hostname).length !== 1)
    .map(({ hostname }) => `${hostname} is called maintained and was not worked on once`),
];

/** Nova's instants have no zone and are in UTC. */
const instant = (at: string): number => Date.parse(at.endsWith("Z") ? at : `${at}Z`);

/** The observer looks every one or two seconds, and Nova writes whole seconds. */
const LAG_MS = 4_000;

const straymoves = ({ migrations, seen, session, deeds, engine }: Evidence): string[] => [
  ...migrations
    .filter(({ source_compute, created_at }) => {
      const until = instant(created_at) + LAG_MS;
      const sightings = seen.services.get(source_compute ?? "") ?? [];
      return !sightings.some((it) => it.at <= until && it.reason?.startsWith(`lull:${session}`));
    })
    .map((row) => `${row.instance_uuid} left ${row.source_compute}, which was never the session's`),
  ...[...Map.groupBy(migrations, ({ instance_uuid }) => instance_uuid)].flatMap(([id, rows]) => {
    const asked = deeds.filter(
      ({ server, user, action }) => server === id && user === engine && action === "live-migration",
    );
    const began = rows.toSorted((a, b) => a.id - b.id);
    return [
      ...(asked.length === rows.length
        ? []
        : [`${id}: ${asked.length} calls of Lull, ${rows.length} migrations`]),
      ...began
        .slice(1)
        .filter(
          (row, index) => began[index] && endOf(began[index]) > instant(row.created_at) + 1000,
        )
        .map(({ id: row }) => `${id}: migration ${row} began before the one before had ended`),
    ];
  }),
];

const ENDED = ["completed", "error", "failed", "cancelled"];

const endOf = ({ status, updated_at, created_at }: Migration): number =>
  ENDED.includes(status) ? instant(updated_at ?? created_at) : Number.POSITIVE_INFINITY;

const crowds = ({ groups, seen, overfull }: Evidence): string[] => [
  ...overfull,
  ...groups.flatMap(({ name, members }) => {
    const sightings = members.map((id) => seen.servers.get(id) ?? []);
    const instants = sightings.flat().map(({ at }) => at);
    return [...new Set(instants)].flatMap((at) => {
      const hosts = sightings
        .map((member) => heldAt(member, at)?.host)
        .filter((host) => typeof host === "string");
      return new Set(hosts).size === hosts.length
        ? []
        : [`group ${name}: two members on one host at ${new Date(at).toISOString()}`];
    });
  }),
];

const together = ({ groups, migrations }: Evidence): string[] =>
  groups.flatMap(({ name, members }) => {
    const rows = migrations
      .filter(({ instance_uuid }) => members.includes(instance_uuid))
      .toSorted((a, b) => instant(a.created_at) - instant(b.created_at));
    return rows.flatMap((row, index) =>
      rows
        .slice(index + 1)
        .filter((other) => other.instance_uuid !== row.instance_uuid)
        .filter((other) => instant(other.created_at) + 1000 < endOf(row))
        .map(
          (other) =>
            `group ${name}: migration ${other.id} began while ${row.id} (${row.status}) was not over`,
        ),
    );
  });

const servicesLeft = ({ before, after, detail, session, incidents }: Evidence): string[] =>
  before.flatMap((was) => {
    const is = after.find(({ host }) => host === was.host);
    if (!is) return [`${was.host} is gone`];
    const outcome = detail.hosts.find(({ hostname }) => hostname === was.host)?.outcome;
    const left = is.disabled_reason?.startsWith(`lull:${session}`) && outcome === "failed";
    const same = is.status === was.status && is.disabled_reason === was.disabled_reason;
    const dead = is.state !== "up" && was.host !== incidents.killed;
    return [
      ...(same || left ? [] : [`${was.host} is ${is.status}: ${is.disabled_reason}`]),
      ...(dead ? [`${was.host} is ${is.state}`] : []),
    ];
  });

const unexplained = ({ detail, seen, incidents }: Evidence): string[] => [
  ...(/DONE|FAILED/.test(detail.session.state) ? [] : [`the session is ${detail.session.state}`]),
  ...detail.hosts
    .filter(({ outcome, details }) => outcome !== "maintained" && !details)
    .map(({ hostname, outcome }) => `${hostname} is ${outcome}, and nothing says why`),
  ...detail.instances
    .filter(({ state, details }) => !["moved", "gone"].includes(state) && !details)
    .filter(({ host }) => !detail.hosts.some((it) => it.hostname === host && it.details))
    .map(({ instance_name, state }) => `${instance_name} is ${state}, and nothing says why`),
  ...detail.hosts
    .filter(
      ({ hostname, details }) =>
        hostname === incidents.killed && !/\bdown\b|dead/.test(details ?? ""),
    )
    .map(({ hostname, details }) => `${hostname} is dead, and Lull says only "${details}"`),
  ...[...seen.servers].flatMap(([id, sightings]) => fateOf(id, sightings, incidents)),
];

/** What is wrong with a server at the end: it should be alive, or its owner or its host's death tells. */
const fateOf = (id: string, sightings: readonly Sighting[], incidents: Incidents): string[] => {
  const last = sightings.at(-1);
  if (last?.status === "ACTIVE" || last?.host === incidents.killed) return [];
  if (last?.status === "GONE" && id === incidents.deleted) return [];
  return [`${id} ends ${last?.status} on ${last?.host}`];
};
