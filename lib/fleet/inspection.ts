import { capacityVerdict, type Shortage, shortagesOn } from "../domain/capacity-check.ts";
import { clockSkew } from "../domain/clock-skew.ts";
import { expiring, neededUntil } from "../domain/credential.ts";
import type { Device } from "../domain/device.ts";
import type { Finding } from "../domain/errors.ts";
import type { HostRoom } from "../domain/plan/reserve.ts";
import { blockersOf, type Candidate, summaryOf, targetFindings } from "../domain/preflight.ts";
import type { Round } from "../domain/preflight-round.ts";
import type { Session } from "../domain/session.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listHypervisors } from "../openstack/compute/hypervisors.ts";
import { listMigrations } from "../openstack/compute/migrations.ts";
import { listServices, type Service } from "../openstack/compute/services.ts";
import { readCapacity } from "./capacity.ts";
import { novaTime } from "./clock.ts";
import { readExpiries } from "./credential.ts";
import { agentsOf, dutiesIn, volumeDuties } from "./duties.ts";
import { type GuestFacts, groupsOf, serversOn, toGuest, vnicTypesOn } from "./guests.ts";
import { findBlindness, openReader, type Reader } from "./permissions.ts";

/** Hosts looked at at once: enough to be quick, few enough for Nova not to notice. */
const AT_ONCE = 8;

type Fleet = {
  readonly devices: ReadonlyMap<string, Device>;
  /** Which session owns a device, by the device's id. */
  readonly owners: ReadonlyMap<string, string>;
};

/** Which of these projects can be asked to scale in. */
export type Askable = (projectIds: readonly string[]) => Promise<ReadonlySet<string>>;

/**
 * Looks at everything that can be known of some hosts before a session touches anything: lists of the
 * whole cloud once each, and two calls for each host. What is not about a host is told with the first.
 */
export const inspect = async (
  cloud: Cloud,
  session: Session,
  hosts: readonly string[],
  fleet: Fleet,
  askable: Askable,
  now: string,
): Promise<Round> => {
  const reader = openReader();
  const time = await reader.read(() => novaTime(cloud, hosts[0] ?? ""), null);
  const { services, candidates } = await readCandidates(cloud, hosts, fleet, reader);
  const rooms = await reader.read(() => roomsFor(cloud, session, hosts, fleet), []);
  await reader.read(() => listMigrations(cloud.compute, { limit: 1 }), []);
  const lacking = [...reader.lacking(), ...(await findBlindness(cloud, candidates))];
  const summary = summaryOf(candidates, session);
  // What could not be read in full says nothing of the hosts.
  if (lacking.length > 0)
    return { findings: lacking, warnings: [], summary, owned: [], last: true };
  const { findings, warnings } = await capacityOn(candidates, rooms, session, askable);
  const first = hosts[0] === session.hosts[0];
  const general = first ? await generalFindings(cloud, session, services) : [];
  const skew = first ? clockSkew(now, time) : null;
  return {
    findings: [
      ...general,
      ...candidates.flatMap((candidate) => blockersOf(candidate, session)),
      ...findings,
    ],
    warnings: [...(skew === null ? [] : [{ code: "clock_skew", message: skew }]), ...warnings],
    summary,
    owned: candidates.flatMap(({ guests }) =>
      guests.map(({ id, projectId }) => ({ id, project_id: projectId })),
    ),
    last: false,
  };
};

/** Asks who can be asked only where it matters: where owners decide anyway, it does not. */
const capacityOn = async (
  candidates: readonly Candidate[],
  rooms: readonly HostRoom[],
  session: Session,
  askable: Askable,
) => {
  const shortages = shortagesOn(candidates, rooms, session);
  const needed = shortages.flatMap(({ forGood, projects }: Shortage) =>
    forGood && session.workflow !== "vnf" ? projects : [],
  );
  return capacityVerdict(
    shortages,
    session,
    needed.length === 0 ? new Set() : await askable([...new Set(needed)]),
  );
};

const generalFindings = async (
  cloud: Cloud,
  session: Session,
  services: readonly Service[],
): Promise<Finding[]> => [
  ...expiring(await readExpiries(cloud), neededUntil(session)),
  ...targetFindings(
    session.targets,
    new Map(services.map((service) => [service.host, serviceOf(service)])),
  ),
];

const roomsFor = async (
  cloud: Cloud,
  session: Session,
  hosts: readonly string[],
  { devices, owners }: Fleet,
) => {
  const capacity = await readCapacity(cloud, {
    devices: [...devices.values()].filter(({ gone }) => !gone),
    owners,
    sessionId: session.session_id,
    wanted: new Set(hosts),
  });
  return capacity.rooms;
};

const readCandidates = async (
  cloud: Cloud,
  hosts: readonly string[],
  { devices }: Fleet,
  { read }: Reader,
) => {
  const [all, hypervisors, groups, agents, volumes] = await Promise.all([
    read(() => listServices(cloud.compute), []),
    read(() => listHypervisors(cloud.compute), []),
    read(() => groupsOf(cloud), { groups: new Map(), apart: new Map() }),
    read(() => agentsOf(cloud), []),
    read(() => volumeDuties(cloud), []),
  ]);
  const services = all.filter(({ binary }) => binary === "nova-compute");
  const duties = dutiesIn(all, agents, volumes);
  const byHost = new Map(services.map((service) => [service.host, service]));
  const types = new Map(
    hypervisors.map(({ service, hypervisor_type }) => [service.host, hypervisor_type]),
  );
  const look = async (host: string): Promise<Candidate> => {
    const [servers, vnicTypes] = await Promise.all([
      read(() => serversOn(cloud, host), []),
      read<GuestFacts["vnicTypes"]>(() => vnicTypesOn(cloud, host), new Map()),
    ]);
    const service = byHost.get(host);
    return {
      host,
      service: service ? serviceOf(service) : null,
      hypervisorType: types.get(host) ?? "",
      duties: duties.get(host) ?? [],
      localStorage: devices.get(host)?.instance_storage === "local",
      guests: servers.map((server) => toGuest(server, { vnicTypes, ...groups })),
    };
  };
  const candidates: Candidate[] = [];
  for (let first = 0; first < hosts.length; first += AT_ONCE)
    candidates.push(...(await Promise.all(hosts.slice(first, first + AT_ONCE).map(look))));
  return { services, candidates };
};

const serviceOf = ({ state, status, disabled_reason }: Service) => ({
  state,
  status,
  disabledReason: disabled_reason,
});
