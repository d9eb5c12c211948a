import { setTimeout as pause } from "node:timers/promises";
import { type Cloud, openCloud } from "../../../lib/openstack/cloud.ts";
import { cloudConfigFrom } from "../../../lib/openstack/clouds-yaml.ts";
import { listMigrations, type Migration } from "../../../lib/openstack/compute/migrations.ts";
import { getServer, listServers, type Server } from "../../../lib/openstack/compute/servers.ts";
import { listServices, type Service } from "../../../lib/openstack/compute/services.ts";
import { scaledClock } from "../../../localstack/clock.ts";
import type { DriverFaults } from "../../../localstack/openstack/faults.ts";
import { startSimulator } from "../../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../../localstack/openstack/spec.ts";
import { actOnHosts, type Faults, healLab, labClouds, setFaults } from "../lab.ts";

/**
 * One cloud for the contract: 6 hosts, 12 servers in two projects, each with an anti-affinity group
 * of three. The simulator is held to what the real one does; where they differ, it is the one to change.
 */
export type ContractCloud = {
  readonly authUrl: string;
  readonly admin: Cloud;
  /** Member of the project that owns `alpha-01` ... */
  readonly alice: Cloud;
  /** Member of the other project. */
  readonly bob: Cloud;
  /** What the hosts' drivers do from now on; {} ends all trouble. */
  readonly behave: (faults: DriverFaults) => Promise<void>;
  readonly kill: (host: string) => Promise<void>;
  readonly start: (host: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

export const openContractCloud = (): Promise<ContractCloud> =>
  process.env["LULL_CONTRACT"] === "lab" ? openLab() : openSimulator();

const openLab = async (): Promise<ContractCloud> => {
  const env = { OS_CLIENT_CONFIG_FILE: labClouds.file, ...process.env };
  const { config } = await cloudConfigFrom({ env, cloud: labClouds.contract });
  const open = async (cloud: string) => openCloud((await cloudConfigFrom({ env, cloud })).config);
  return {
    authUrl: config.auth_url,
    admin: await open(labClouds.contract),
    alice: await open(labClouds.alice),
    bob: await open(labClouds.bob),
    behave: (faults) => setFaults(faults as Faults),
    kill: (host) => actOnHosts("kill", host),
    start: (host) => actOnHosts("start", host),
    close: healLab,
  };
};

/** Runs three times as fast as the lab, with its heartbeat. */
const openSimulator = async (): Promise<ContractCloud> => {
  const timing = { heartbeat_ms: 5_000, service_down_ms: 20_000 };
  const simulator = await startSimulator({
    clock: scaledClock(3),
    cloud: { ...cloudOf({ hosts: 6, instances: 12 }), timing },
  });
  const tenant = (project: string): Cloud => {
    const config = simulator.tenants[project];
    if (!config) throw new Error(`the simulator has no project ${project}`);
    return openCloud(config);
  };
  return {
    authUrl: simulator.authUrl,
    admin: openCloud(simulator.config),
    alice: tenant("alpha"),
    bob: tenant("beta"),
    behave: async (faults) => void simulator.happen({ kind: "driver", faults }),
    kill: async (host) => void simulator.happen({ kind: "kill_host", host }),
    start: async (host) => void simulator.happen({ kind: "start_host", host }),
    close: simulator.close,
  };
};

/** Asks until the answer is defined. */
export const eventually = async <T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  seconds = 120,
): Promise<T> => {
  const until = performance.now() + seconds * 1_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > until) throw new Error(`${what} did not come true in ${seconds} s`);
    await pause(100);
  }
};

/** A server in ACTIVE and no task, in a group or in none. */
export const someServer = async (
  { admin }: ContractCloud,
  { grouped, not }: { readonly grouped: boolean; readonly not?: string },
): Promise<Server & { readonly host: string }> => {
  for (const { id } of await listServers(admin.compute, { all_tenants: true })) {
    if (id === not) continue;
    const server = await getServer(admin.compute, id);
    const isGrouped = (server.server_groups ?? []).length > 0;
    const { host } = server;
    if (server.status === "ACTIVE" && !server.locked && isGrouped === grouped && host !== null)
      return { ...server, host };
  }
  throw new Error(`the cloud has no ACTIVE server ${grouped ? "in" : "outside"} a group`);
};

/** Another host than the given ones, enabled and up, and its service. */
export const otherHost = async (
  { admin }: ContractCloud,
  ...not: readonly string[]
): Promise<Service> => {
  const services = await listServices(admin.compute, { binary: "nova-compute" });
  const found = services.find(
    ({ host, status, state }) => status === "enabled" && state === "up" && !not.includes(host),
  );
  if (!found) throw new Error("the cloud has no other host that is enabled and up");
  return found;
};

const ENDED = ["completed", "error", "failed", "cancelled", "confirmed", "reverted", "finished"];

export const newestMigration = async (
  { admin }: ContractCloud,
  instance_uuid: string,
): Promise<Migration | undefined> =>
  (await listMigrations(admin.compute, { instance_uuid, limit: 1 }))[0];

/** The newest row after `after`, once it has ended and the server has no task any more. */
export const outcomeOf = (
  cloud: ContractCloud,
  id: string,
  after: number,
): Promise<{ readonly row: Migration; readonly server: Server }> =>
  eventually(`the migration of ${id}`, async () => {
    const row = await newestMigration(cloud, id);
    if (!row || row.id <= after || !ENDED.includes(row.status)) return undefined;
    const server = await getServer(cloud.admin.compute, id);
    return server.task_state === null && { row, server };
  });

/** The id of the newest row, 0 when there is none: what is newer belongs to the next call. */
export const lastRow = async (cloud: ContractCloud, id: string): Promise<number> =>
  (await newestMigration(cloud, id))?.id ?? 0;
