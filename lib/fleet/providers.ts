import type { Cloud } from "../openstack/cloud.ts";
import { isNotFound } from "../openstack/errors.ts";
import { type Candidate, candidates } from "../openstack/placement/allocation-candidates.ts";
import { capacityOf, inventories, usages } from "../openstack/placement/resource-providers.ts";

/** More hosts than a zone ever has: Placement names them all. */
const CANDIDATES = 10_000;
/** Full hosts asked one by one at a time. */
const AT_ONCE = 8;

/** What a host has and what of it is used, by resource class. */
export type Room = Candidate["resources"];

/**
 * What the hosts have and what is used of it, by the ids of their providers, in one request:
 * Placement names every host with memory left. Of the full ones only the wanted are asked about; the
 * others have no room anyway. A host that Placement does not know is left out.
 */
export const readRooms = async (
  cloud: Cloud,
  wanted: readonly string[],
): Promise<Map<string, Room>> => {
  const fits = await candidates(cloud.placement, {
    resources: { MEMORY_MB: 1 },
    limit: CANDIDATES,
  });
  const rooms = new Map(fits.map(({ provider, resources }) => [provider, resources]));
  const full = wanted.filter((id) => !rooms.has(id));
  for (let first = 0; first < full.length; first += AT_ONCE)
    await Promise.all(
      full.slice(first, first + AT_ONCE).map(async (id) => {
        const room = await askProvider(cloud, id);
        if (room !== null) rooms.set(id, room);
      }),
    );
  return rooms;
};

/** @returns null when Placement knows no such provider */
const askProvider = async ({ placement }: Cloud, id: string): Promise<Room | null> => {
  const asked = await Promise.all([inventories(placement, id), usages(placement, id)]).catch(
    (error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    },
  );
  if (asked === null) return null;
  const [held, used] = asked;
  return Object.fromEntries(
    Object.entries(held).map(([name, inventory]) => [
      name,
      { capacity: capacityOf(inventory), used: used[name] ?? 0 },
    ]),
  );
};
