import { listHypervisors } from "../openstack/compute/hypervisors.ts";
import { listServices, type Service } from "../openstack/compute/services.ts";
import { leftAllocations } from "./allocations.ts";
import { stoppedInstances } from "./instances.ts";
import { isMarked, type Look, type MarkedHost, readMarkedHost } from "./look.ts";
import { masakariHosts, silencesLeft } from "./monitoring.ts";
import { unconfirmedMoves, unfinishedMigrations } from "./moves.ts";
import { inOrder, type Orphan } from "./orphan.ts";

export type Monitoring = {
  /** Base URL; undefined = there is none to ask. */
  readonly alertmanagerUrl: string | undefined;
  readonly masakari: boolean;
};

export type Found = {
  readonly orphans: readonly Orphan[];
  /** Where it could not be looked, and why: there may be more. */
  readonly unseen: readonly string[];
};

/**
 * Everything that Lull may have left in the cloud, read from the cloud alone. What cannot be read
 * is named, and the rest is told all the same.
 */
export const findOrphans = async (look: Look, monitoring: Monitoring): Promise<Found> => {
  const [services, hypervisors] = await Promise.all([
    listServices(look.cloud.compute, { binary: "nova-compute" }),
    listHypervisors(look.cloud.compute),
  ]);
  const unseen = services.filter(({ status }) => status === "UNKNOWN").map(silentCell);
  const orphans: Orphan[] = [];
  const collect = async (what: string, read: () => Promise<readonly Orphan[]>) => {
    try {
      orphans.push(...(await read()));
    } catch (error) {
      unseen.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const service of services.filter(isMarked)) {
    const known = orphans.length;
    await collect(service.host, async () => {
      const host = await readMarkedHost(look, service, hypervisors);
      if (host.servers.some(({ partial }) => partial)) unseen.push(silentCell(service));
      for (const read of ON_A_HOST)
        await collect(`${host.name}: ${read.what}`, () => read.of(look, host));
      return [];
    });
    orphans.push(disabledHost(look, service, orphans.length - known));
  }
  const { alertmanagerUrl, masakari } = monitoring;
  if (masakari) await collect("Masakari", () => masakariHosts(look, services));
  if (alertmanagerUrl) await collect("Alertmanager", () => silencesLeft(alertmanagerUrl));
  return { orphans: withoutTwins(inOrder(orphans)), unseen: [...new Set(unseen)] };
};

type Reader = {
  readonly what: string;
  readonly of: (look: Look, host: MarkedHost) => Promise<readonly Orphan[]>;
};

const ON_A_HOST: readonly Reader[] = [
  { what: "migrations", of: async (look, host) => unfinishedMigrations(look, host) },
  { what: "unconfirmed moves", of: unconfirmedMoves },
  { what: "allocations", of: leftAllocations },
  { what: "stopped instances", of: stoppedInstances },
];

const silentCell = ({ host }: Service): string =>
  `${host}: its cell does not answer, so whether it carries the mark, and what is on it, is not known`;

const disabledHost = (
  { openstack }: Look,
  { host, disabled_reason, state }: Service,
  before: number,
): Orphan => ({
  kind: "host_disabled",
  host,
  instance_id: null,
  session_id: /^lull:(\S+)/.exec(disabled_reason ?? "")?.[1] ?? null,
  since: null,
  message: [
    `nova-compute is disabled: "${disabled_reason}"`,
    state === "up" ? "it is up" : `it is ${state}, so look at the host first`,
    before > 0 ? "enable it when the above is done" : "enable it when the host is well",
  ].join("; "),
  command: openstack("compute", "service", "set", "--enable", host, "nova-compute"),
  alternative: null,
});

/** A move between two marked hosts is seen from both. */
const withoutTwins = (orphans: readonly Orphan[]): readonly Orphan[] => [
  ...new Map(orphans.map((orphan) => [keyOf(orphan), orphan])).values(),
];

const keyOf = ({ kind, host, instance_id, command }: Orphan): string =>
  kind === "migration_unfinished" || kind === "move_unconfirmed"
    ? `${kind} ${instance_id} ${command}`
    : `${kind} ${host} ${command}`;
