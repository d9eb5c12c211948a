import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import type { Cloud } from "../../lib/openstack/cloud.ts";
import { listFlavors } from "../../lib/openstack/compute/flavors.ts";
import { listHypervisors } from "../../lib/openstack/compute/hypervisors.ts";
import { listServerGroups } from "../../lib/openstack/compute/server-groups.ts";
import { listServers, type Server } from "../../lib/openstack/compute/servers.ts";
import {
  disableService,
  enableService,
  listServices,
} from "../../lib/openstack/compute/services.ts";
import { call } from "../../lib/openstack/http.ts";
import { candidates } from "../../lib/openstack/placement/allocation-candidates.ts";
import { MARK } from "../managers/project.ts";
import { removeHosts, startHosts } from "./lab.ts";

const HOSTS = ["full-01", "full-02", "full-03"];

/** Processors for two servers of the smallest flavor, and none is given out twice. */
const SIZE = { HOST_VCPUS: "2" };
const OPTIONS = {
  cpu_allocation_ratio: 1,
  // Every two minutes by default. Until then the scheduler may refuse a member of a group the only
  // host that it can go to (the lab's README says why), and a test has no two minutes to wait.
  scheduler_instance_sync_interval: 2,
  report_interval: 1,
};

const CLOSED = "closed for the test of a full cloud";

/** Names of the pair's members, of the others, and of the group, as Doctor's templates have them. */
export const PAIR = "doctor_ha_app";
const OTHERS = "doctor_nonha_app";
const GROUP = "doctor_ha_app_group";

export type FullCloud = {
  readonly hosts: readonly string[];
  readonly group_id: string;
  /** The active one first. */
  readonly pair: readonly [Server, Server];
  /** One beside each member of the pair: those that may be missed for a while. */
  readonly spare: readonly Server[];
};

/**
 * Makes the lab a cloud of three hosts that is filled to the last processor, by six servers of one
 * project: a pair that must not share a host, and four others. Every other host is closed.
 *
 * @param admin of the cloud
 * @param owner the project's member
 */
export const fillCloud = async (admin: Cloud, owner: Cloud): Promise<FullCloud> => {
  await emptyCloud(admin, owner);
  await startHosts(HOSTS, SIZE, OPTIONS);
  await until("three more hosts", () => areThere(admin));
  await setOthers(admin, "disabled");

  const group_id = await makeGroup(owner);
  await boot(owner, [`${PAIR}_0`, `${PAIR}_1`], group_id);
  await boot(
    owner,
    [0, 1, 2, 3].map((n) => `${OTHERS}_${n}`),
  );
  const all = await ownServers(admin, owner);
  const [active, standby] = all
    .filter(({ name }) => name?.startsWith(PAIR))
    .toSorted((one, other) => String(one.name).localeCompare(String(other.name)));
  if (!active || !standby) throw new Error("the pair is not there");
  return {
    hosts: HOSTS,
    group_id,
    pair: [active, standby],
    spare: [active, standby].flatMap(({ id, host }) =>
      all.filter((one) => one.host === host && one.id !== id),
    ),
  };
};

/** Takes all of it away again, also when only a part of it is there. */
export const emptyCloud = async (admin: Cloud, owner: Cloud): Promise<void> => {
  const { compute } = owner;
  for (const { id } of await ownServers(admin, owner))
    await call(compute, `/servers/${id}`, z.unknown(), { method: "DELETE", expect: [204] });
  await until("no server", async () => (await ownServers(admin, owner)).length === 0);
  for (const { id, name } of await listServerGroups(compute))
    if (name === GROUP)
      await call(compute, `/os-server-groups/${id}`, z.unknown(), { method: "DELETE" });
  await removeHosts(HOSTS);
  await setOthers(admin, "enabled");
};

/** Whether Placement knows a host, of those that are not closed, with a processor to give. */
export const hasRoom = async ({ placement }: Cloud): Promise<boolean> => {
  const forbidden = ["COMPUTE_STATUS_DISABLED"];
  return (await candidates(placement, { resources: { VCPU: 1 }, forbidden })).length > 0;
};

const isOurs = ({ name }: Server): boolean =>
  name?.startsWith(PAIR) === true || name?.startsWith(OTHERS) === true;

/** With their hosts, which only an administrator sees. */
const ownServers = async (admin: Cloud, owner: Cloud): Promise<Server[]> => {
  const own = new Set((await listServers(owner.compute)).filter(isOurs).map(({ id }) => id));
  const all = await listServers(admin.compute, { all_tenants: true });
  return all.filter(({ id }) => own.has(id));
};

/** Whether Nova counts them as its hosts, and Placement knows how much they have to give. */
const areThere = async ({ compute, placement }: Cloud): Promise<boolean> => {
  const nodes = (await listHypervisors(compute)).filter(
    ({ service, state }) => HOSTS.includes(service.host) && state === "up",
  );
  const roomy = await candidates(placement, { resources: { VCPU: Number(SIZE.HOST_VCPUS) } });
  const known = nodes.filter(({ id }) => roomy.some(({ provider }) => provider === id));
  return known.length === HOSTS.length;
};

const setOthers = async ({ compute }: Cloud, status: "enabled" | "disabled"): Promise<void> => {
  for (const { id, host } of await listServices(compute, { binary: "nova-compute" })) {
    if (HOSTS.includes(host)) continue;
    if (status === "disabled") await disableService(compute, id, CLOSED);
    else await enableService(compute, id);
  }
};

const madeSchema = z.object({ id: z.string() });

const makeGroup = async ({ compute }: Cloud): Promise<string> => {
  const schema = z.object({ server_group: madeSchema });
  const body = { server_group: { name: GROUP, policy: "anti-affinity" } };
  const made = await call(compute, "/os-server-groups", schema, { method: "POST", body });
  return made.server_group.id;
};

/** Boots servers of half a host each, the first with the mark if they are of a group, and waits until they run. */
const boot = async (owner: Cloud, names: readonly string[], group?: string): Promise<void> => {
  const { compute } = owner;
  const flavor = (await listFlavors(compute)).find(({ name }) => name === "m1.tiny");
  const image = (await listServers(compute)).find(({ image_id }) => image_id !== null)?.image_id;
  for (const [n, name] of names.entries())
    await call(compute, "/servers", z.object({ server: madeSchema }), {
      method: "POST",
      body: {
        server: {
          name,
          flavorRef: flavor?.id,
          imageRef: image,
          networks: "auto",
          metadata: group !== undefined && n === 0 ? { [MARK]: "here" } : {},
        },
        ...(group !== undefined && { "os:scheduler_hints": { group } }),
      },
    });
  await until(`${names.length} servers`, async () => {
    const found = (await listServers(compute)).filter(({ name }) => names.includes(name ?? ""));
    const broken = found.find(({ status }) => status === "ERROR");
    if (broken) throw new Error(`${broken.name} could not be booted: ${broken.fault}`);
    return found.filter(({ status }) => status === "ACTIVE").length === names.length;
  });
};

const LOOK_MS = 300;
const PATIENCE_MS = 120_000;

const until = async (what: string, is: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + PATIENCE_MS;
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`not in ${PATIENCE_MS} ms: ${what}`);
    await pause(LOOK_MS);
  }
};
