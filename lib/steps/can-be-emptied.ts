import type { HostRun } from "../domain/host-run.ts";
import { movabilityOf } from "../domain/instances.ts";
import { type Burden, fitsElsewhere, isBurden, lackOf, roomsFor } from "../domain/plan/fitting.ts";
import type { HostRoom, Shortage } from "../domain/plan/reserve.ts";
import { fullOf, hostsOfMember, mostOnHost } from "../fleet/apart.ts";
import { serversOn, toGuest, vnicTypesOn } from "../fleet/guests.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { listServerGroups, type ServerGroup } from "../openstack/compute/server-groups.ts";
import type { Server } from "../openstack/compute/servers.ts";
import { chunked } from "../store/batch-get.ts";
import type { SessionContext } from "./session-step.ts";

/** Members of groups that are looked up at a time. */
const AT_ONCE = 8;

/** Says of one host after the other, in one step, what of it would find no room elsewhere now. */
export type Look = (run: HostRun) => Promise<Shortage | null>;

/**
 * Opens a look at hosts that may have to be emptied: only memory, processors and hard anti-affinity
 * are looked at, and only instances that are to leave. The groups of the cloud and where their
 * members are is asked once. A look answers null for a host that can be emptied.
 *
 * @param rooms all hosts of the zones of those that are looked at
 */
export const openLook = async (
  { cloud: open, session }: SessionContext,
  rooms: readonly HostRoom[],
): Promise<Look> => {
  const cloud = await open();
  const groups = await listServerGroups(cloud.compute, { all_projects: true });
  const members = openMembers(cloud);

  const burdensOn = async (host: string): Promise<Burden[]> => {
    const [servers, vnicTypes] = await Promise.all([
      serversOn(cloud, host),
      vnicTypesOn(cloud, host),
    ]);
    const guests = servers.map((server) => {
      const own = groupsOf(server, groups);
      const policies = new Map([[server.id, own.flatMap(({ policy }) => policy ?? [])]]);
      return { guest: toGuest(server, { vnicTypes, groups: policies }), apart: own.filter(isHard) };
    });
    const leaving = guests.filter(({ guest }) => isBurden(movabilityOf(guest, session.policies)));
    await members.learn(leaving.flatMap(({ apart }) => apart.flatMap((group) => group.members)));
    return leaving.map(({ guest, apart }) => ({
      id: guest.id,
      needs: guest.needs,
      apart: apart
        .flatMap((group) =>
          fullOf(
            group.members.filter((id) => id !== guest.id).map(members.hostsOf),
            mostOnHost(group),
          ),
        )
        .filter((name) => name !== host),
      // Of others it is not looked at how many of this host's members come together elsewhere.
      groups: apart.filter((group) => mostOnHost(group) === 1).map(({ id }) => id),
    }));
  };

  return async (run) => {
    const targets = roomsFor(run, session, rooms);
    const burdens = await burdensOn(run.host);
    if (fitsElsewhere(burdens, targets)) return null;
    return { host: run.host, zone: run.place.zone, lacks: lackOf(burdens, targets) };
  };
};

const groupsOf = ({ id }: Server, groups: readonly ServerGroup[]): ServerGroup[] =>
  groups.filter(({ members }) => members.includes(id));

const isHard = ({ policy }: ServerGroup): boolean => policy === "anti-affinity";

/** Where members of groups are, as far as it has been learned. */
const openMembers = (cloud: Cloud) => {
  const known = new Map<string, readonly string[]>();
  return {
    async learn(ids: readonly string[]): Promise<void> {
      const news = [...new Set(ids)].filter((id) => !known.has(id));
      for (const chunk of chunked(news, AT_ONCE))
        await Promise.all(
          chunk.map(async (id) => {
            known.set(id, await hostsOfMember(cloud, id));
          }),
        );
    },
    hostsOf: (id: string): readonly string[] => known.get(id) ?? [],
  };
};
