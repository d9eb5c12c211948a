import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import type { Cloud } from "../../../lib/openstack/cloud.ts";
import { listMigrations } from "../../../lib/openstack/compute/migrations.ts";
import { listServers } from "../../../lib/openstack/compute/servers.ts";
import { enableService, getService } from "../../../lib/openstack/compute/services.ts";
import { call } from "../../../lib/openstack/http.ts";
import { actOnHosts, type Faults, setFaults } from "../lab.ts";
import type { Detail, LullOnLab } from "../lull-on-lab.ts";

/** What was done to the cloud in the night, for the judge to know. */
export type Incidents = {
  /** One line each, as they happened. */
  readonly log: string[];
  killed: string | null;
  killedAt: number;
  frozen: string | null;
  enabled: string | null;
  /** Server id. */
  deleted: string | null;
};

export type Night = {
  readonly admin: Cloud;
  /** Clients of those who own servers. */
  readonly owners: readonly Cloud[];
  readonly lull: LullOnLab;
  readonly session: string;
};

const FROZEN_MS = 45_000;

/** Every transfer takes a while, so that there is a middle in which things can go wrong. */
const SLOW: Faults = { "*": { live_migration: { seconds: 4 } } };

/**
 * Lets everything go wrong that a night has in store, each thing on another host while that host is
 * being drained, until all have happened or the session is over.
 */
export const trouble = async (night: Night, over: () => boolean): Promise<Incidents> => {
  const incidents: Incidents = {
    log: [],
    killed: null,
    killedAt: Number.POSITIVE_INFINITY,
    frozen: null,
    enabled: null,
    deleted: null,
  };
  const spoilt = new Set<string>();
  const faults = new Map<string, Faults[string]>();
  const apply = () => setFaults({ ...SLOW, ...Object.fromEntries(faults) });
  await apply();

  const say = (what: string): void => {
    incidents.log.push(`${new Date().toISOString().slice(11, 19)} ${what}`);
    console.log(incidents.log.at(-1));
  };

  /** Makes the next migration of a server fail, once. */
  const spoil = (operation: "pre_migration" | "live_migration") => async (host: string) => {
    const server = await waitingOn(night, host);
    if (!server) return false;
    const before = await newest(night.admin, server.id);
    faults.set(server.id, { [operation]: { outcome: "fail" } });
    await apply();
    say(`${operation} of ${server.name} on ${host} is going to fail`);
    void (async () => {
      while (!over()) {
        const rows = await listMigrations(night.admin.compute, { instance_uuid: server.id });
        if (rows.some(({ id, status }) => id > before && /error|failed/.test(status))) break;
        await pause(1_000);
      }
      faults.delete(server.id);
      await apply();
      say(`${operation} of ${server.name} has failed; its next try is left alone`);
    })().catch((error) => console.log("incident:", error));
    return true;
  };

  const kinds: ((host: string) => Promise<boolean>)[] = [
    spoil("pre_migration"),
    spoil("live_migration"),
    async (host) => {
      incidents.frozen = host;
      await actOnHosts("freeze", host);
      say(`${host} hangs`);
      setTimeout(() => {
        void actOnHosts("thaw", host).then(() => say(`${host} goes on`));
      }, FROZEN_MS);
      return true;
    },
    async (host) => {
      const service = await getService(night.admin.compute, host);
      if (service?.status !== "disabled") return false;
      incidents.enabled = host;
      await enableService(night.admin.compute, service.id);
      say(`${host} is enabled by hand`);
      return true;
    },
    async (host) => {
      const server = await waitingOn(night, host);
      if (!server || !(await deleteAsOwner(night.owners, server.id))) return false;
      incidents.deleted = server.id;
      say(`${server.name} on ${host} is deleted by its owner`);
      return true;
    },
    async (host) => {
      incidents.killed = host;
      incidents.killedAt = Date.now();
      await actOnHosts("kill", host);
      say(`${host} dies, and stays dead`);
      return true;
    },
  ];

  while (kinds.length > 0 && !over()) {
    const { hosts } = await night.lull.detail(night.session);
    const next = hosts.find((host) => isMidDrain(host) && !spoilt.has(host.hostname));
    if (next) {
      spoilt.add(next.hostname);
      if (await kinds[0]?.(next.hostname)) kinds.shift();
    }
    await pause(1_000);
  }
  return incidents;
};

const isMidDrain = ({ phase, instances_left }: Detail["hosts"][number]): boolean =>
  phase === "MOVING" && (instances_left ?? 0) >= 2;

/** A server that is on the host and not yet on its way. */
const waitingOn = async ({ admin }: Night, host: string) =>
  (await listServers(admin.compute, { all_tenants: true, host })).find(
    ({ status, task_state }) => status === "ACTIVE" && task_state === null,
  );

const newest = async (cloud: Cloud, instance_uuid: string): Promise<number> =>
  (await listMigrations(cloud.compute, { instance_uuid, limit: 1 }))[0]?.id ?? 0;

const deleteAsOwner = async (owners: readonly Cloud[], id: string): Promise<boolean> => {
  for (const { compute } of owners)
    try {
      await call(compute, `/servers/${id}`, z.unknown(), { method: "DELETE" });
      return true;
    } catch {
      // Not this one's.
    }
  return false;
};
