import type { HostRun } from "../domain/host-run.ts";
import { type Burden, fitsElsewhere, roomsFor } from "../domain/plan/fitting.ts";
import type { HostRoom } from "../domain/plan/reserve.ts";
import { hostsToAvoid } from "../fleet/apart.ts";
import { serversOn, toGuest } from "../fleet/guests.ts";
import { listServerGroups } from "../openstack/compute/server-groups.ts";
import type { SessionContext } from "./session-step.ts";

/**
 * Whether what is on the host would find room elsewhere now. Only memory, processors and hard
 * anti-affinity are looked at.
 */
export const canBeEmptied = async (
  context: SessionContext,
  run: HostRun,
  rooms: readonly HostRoom[],
): Promise<boolean> => {
  const targets = roomsFor(run, context.session, rooms);
  return fitsElsewhere(await burdensOn(context, run.host), targets);
};

const burdensOn = async (context: SessionContext, host: string): Promise<Burden[]> => {
  const cloud = await context.cloud();
  const [servers, groups] = await Promise.all([
    serversOn(cloud, host),
    listServerGroups(cloud.compute, { all_projects: true }),
  ]);
  const apart = groups.filter(({ policy }) => policy === "anti-affinity");
  return Promise.all(
    servers.map(async (server) => {
      const own = apart.filter(({ members }) => members.includes(server.id));
      const hosts = await hostsToAvoid(cloud, server, own);
      return {
        id: server.id,
        needs: toGuest(server, { vnicTypes: new Map(), groups: new Map() }).needs,
        apart: hosts.filter((name) => name !== host),
        groups: own.map(({ id }) => id),
      };
    }),
  );
};
