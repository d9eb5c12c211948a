import type { HostRun } from "../domain/host-run.ts";
import { movabilityOf } from "../domain/instances.ts";
import { type Burden, fitsElsewhere, isBurden, lackOf, roomsFor } from "../domain/plan/fitting.ts";
import type { HostRoom } from "../domain/plan/reserve.ts";
import type { Misfit } from "../domain/plan/shortfall.ts";
import { hostsToAvoid } from "../fleet/apart.ts";
import { serversOn, toGuest, vnicTypesOn } from "../fleet/guests.ts";
import { listServerGroups, type ServerGroup } from "../openstack/compute/server-groups.ts";
import type { SessionContext } from "./session-step.ts";

/**
 * What of a host would find no room elsewhere now. Only memory, processors and hard anti-affinity
 * are looked at, and only instances that are to leave it.
 *
 * @returns null when the host can be emptied
 */
export const misfitOf = async (
  context: SessionContext,
  run: HostRun,
  rooms: readonly HostRoom[],
): Promise<Misfit | null> => {
  const targets = roomsFor(run, context.session, rooms);
  const burdens = await burdensOn(context, run.host);
  if (fitsElsewhere(burdens, targets)) return null;
  return { host: run.host, zone: run.place.zone, lacks: lackOf(burdens, targets) };
};

const burdensOn = async (context: SessionContext, host: string): Promise<Burden[]> => {
  const { policies } = context.session;
  const cloud = await context.cloud();
  const [servers, vnicTypes, groups] = await Promise.all([
    serversOn(cloud, host),
    vnicTypesOn(cloud, host),
    listServerGroups(cloud.compute, { all_projects: true }),
  ]);
  const burdens = servers.map(async (server): Promise<Burden[]> => {
    const own = groups.filter(({ members }) => members.includes(server.id));
    const guest = toGuest(server, {
      vnicTypes,
      groups: new Map([[server.id, own.flatMap(({ policy }) => policy ?? [])]]),
    });
    if (!isBurden(movabilityOf(guest, policies))) return [];
    const apart = own.filter(isHard);
    const hosts = await hostsToAvoid(cloud, server, apart);
    return [
      {
        id: server.id,
        needs: guest.needs,
        apart: hosts.filter((name) => name !== host),
        groups: apart.map(({ id }) => id),
      },
    ];
  });
  return (await Promise.all(burdens)).flat();
};

const isHard = ({ policy }: ServerGroup): boolean => policy === "anti-affinity";
