import type { GroupConstraints, InstanceConstraints } from "../domain/constraints.ts";
import type { Device } from "../domain/device.ts";
import type { Fleet, FleetHost, FleetInstance } from "../domain/plan/snapshot.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listServerGroups } from "../openstack/compute/server-groups.ts";
import { listServers, type Server } from "../openstack/compute/servers.ts";
import { listServices, type Service } from "../openstack/compute/services.ts";
import { isNotFound } from "../openstack/errors.ts";
import { allocations, type Held } from "../openstack/placement/resource-providers.ts";
import { agentsOf, dutiesIn, volumeDuties } from "./duties.ts";
import { type GuestFacts, membershipsIn, toGuest, vnicTypesOn } from "./guests.ts";
import { type Room, readRooms } from "./providers.ts";
import { isKnown } from "./services.ts";

/** Hosts of a session that are looked at at once, as pre-flight does. */
const AT_ONCE = 8;

type Asked = {
  /** Hosts of the inventory that Nova still lists. */
  readonly devices: readonly Device[];
  /** Which session owns a device, by the device's id. */
  readonly owners: ReadonlyMap<string, string>;
  readonly sessionId: string;
  /** Hosts of the session. */
  readonly hosts: ReadonlySet<string>;
};

/** The whole cloud as it is now, as far as a plan needs it. */
export type SeenFleet = {
  readonly hosts: readonly FleetHost[];
  readonly servers: readonly Server[];
  /** Everything of a fleet but what the owners of instances have said. */
  readonly fleetWith: (said: Said) => Fleet;
};

/** What owners have said of instances and groups, by id. */
type Said = {
  readonly instances: ReadonlyMap<string, InstanceConstraints>;
  readonly groups: ReadonlyMap<string, GroupConstraints>;
};

/**
 * Reads the whole cloud in lists, a page of 1,000 at a time, and of each host of the session what
 * Placement has allocated there and which ports are bound to it.
 */
export const readFleet = async (cloud: Cloud, asked: Asked): Promise<SeenFleet> => {
  const known = asked.devices.filter(({ hypervisor }) => hypervisor !== null);
  const ours = known.filter(({ name }) => asked.hosts.has(name));
  const [rooms, all, servers, groups, agents, volumes] = await Promise.all([
    readRooms(
      cloud,
      ours.flatMap(({ hypervisor }) => hypervisor?.id ?? []),
    ),
    listServices(cloud.compute),
    listServers(cloud.compute, { all_tenants: true, soft_deleted: true }),
    listServerGroups(cloud.compute, { all_projects: true }),
    agentsOf(cloud),
    volumeDuties(cloud),
  ]);
  const services = all.filter(({ binary }) => binary === "nova-compute");
  const byHost = new Map(services.map((service) => [service.host, service]));
  const duties = dutiesIn(all, agents, volumes);
  const details = await readDetails(cloud, ours);
  const silent = silentIn(await listServices(cloud.compute, { binary: "nova-compute" }));
  const hosts = known.flatMap((device): FleetHost[] => {
    const room = rooms.get(device.hypervisor?.id ?? "");
    if (room === undefined) return [];
    const isOurs = (asked.owners.get(device.id) ?? asked.sessionId) === asked.sessionId;
    const service = byHost.get(device.name);
    const isEnabled = service?.status === "enabled";
    return [
      {
        name: device.name,
        zone: device.zone,
        cell: device.cell,
        labels: device.labels,
        version: device.hypervisor?.version ?? 0,
        capacity: amounts(room, "capacity"),
        used: amounts(room, "used"),
        takes: isOurs && isEnabled && service.state === "up" && !silent.has(device.name),
        leaves: !isOurs && !isEnabled,
        fitness: {
          service: service ? serviceOf(service, silent.has(device.name)) : null,
          hypervisorType: device.hypervisor?.type ?? "",
          duties: duties.get(device.name) ?? [],
        },
      },
    ];
  });
  const memberships = membershipsIn(groups).groups;
  return {
    hosts,
    servers,
    fleetWith: (said) => ({
      hosts,
      instances: servers.flatMap((server) =>
        toInstance(server, { groups: memberships, details, said }),
      ),
      groups: groups.map(({ id, policy, members, rules }) => ({
        id,
        policy,
        members,
        most: rules.max_server_per_host ?? null,
      })),
      constraints: said.groups,
    }),
  };
};

/**
 * Hosts whose cell does not answer. Nova leaves their instances out of its list without a word, so this is
 * asked before and after that list: a host that looks empty must be known to be.
 */
const silentIn = (services: readonly Service[]): ReadonlySet<string> =>
  new Set(services.filter((service) => !isKnown(service)).map(({ host }) => host));

const serviceOf = (
  { state, status, disabled_reason }: Service,
  isSilent: boolean,
): FleetHost["fitness"]["service"] => ({
  state: isSilent ? "UNKNOWN" : state,
  status,
  disabledReason: disabled_reason,
});

const amounts = (room: Room, what: "capacity" | "used"): Record<string, number> =>
  Object.fromEntries(Object.entries(room).map(([name, amount]) => [name, amount[what]]));

/** What is known of a host of the session alone. */
type Details = {
  readonly vnicTypes: GuestFacts["vnicTypes"];
  readonly held: Readonly<Record<string, Held>>;
};

const readDetails = async (
  cloud: Cloud,
  devices: readonly Device[],
): Promise<Map<string, Details>> => {
  const details = new Map<string, Details>();
  for (let first = 0; first < devices.length; first += AT_ONCE)
    await Promise.all(
      devices.slice(first, first + AT_ONCE).map(async ({ name, hypervisor }) => {
        const [vnicTypes, held] = await Promise.all([
          vnicTypesOn(cloud, name),
          heldOn(cloud, hypervisor?.id ?? ""),
        ]);
        details.set(name, { vnicTypes, held });
      }),
    );
  return details;
};

const heldOn = async ({ placement }: Cloud, provider: string): Promise<Details["held"]> => {
  try {
    return await allocations(placement, provider);
  } catch (error) {
    if (isNotFound(error)) return {};
    throw error;
  }
};

const NOTHING: Details = { vnicTypes: new Map(), held: {} };

type Around = {
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly details: ReadonlyMap<string, Details>;
  readonly said: Said;
};

/** An instance that is on no host takes none's room. */
const toInstance = (server: Server, { groups, details, said }: Around): FleetInstance[] => {
  if (server.host === null) return [];
  const { vnicTypes, held } = details.get(server.host) ?? NOTHING;
  return [
    {
      guest: toGuest(server, { vnicTypes, groups }),
      host: server.host,
      holds: held[server.id]?.resources ?? null,
      constraints: said.instances.get(server.id) ?? null,
    },
  ];
};
