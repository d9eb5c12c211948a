import type { HostRun } from "../host-run.ts";
import type { Movability } from "../instances.ts";
import type { Session } from "../session.ts";
import { byWeight, leastLack } from "./lack.ts";
import { type Amounts, COUNTED, type HostRoom } from "./reserve.ts";

/** Whether an instance has to find room elsewhere: not what stays, is offloaded or may not be moved. */
export const isBurden = ({ kind }: Movability): boolean =>
  kind === "live" || kind === "cold" || kind === "wait";

/** An instance that has to find room elsewhere. */
export type Burden = {
  readonly id: string;
  readonly needs: Amounts;
  /** Hosts that its hard anti-affinity groups keep it from. */
  readonly apart: readonly string[];
  /** Those groups, so that no two of their members are put together. */
  readonly groups: readonly string[];
};

/** Of the rooms those that may take what leaves the host: instances never leave their zone. */
export const roomsFor = (
  { host, place }: Pick<HostRun, "host" | "place">,
  { targets }: Pick<Session, "targets">,
  rooms: readonly HostRoom[],
): HostRoom[] => {
  const zone = rooms.find((room) => room.host === host)?.zone ?? place.zone;
  return rooms.filter(
    (room) =>
      room.takes &&
      room.host !== host &&
      room.zone === zone &&
      (targets.length === 0 || targets.includes(room.host)),
  );
};

/** Placements tried at most: the answer is a preference, and Nova has the last word. */
const MOST_TRIES = 10_000;

type Taken = {
  readonly host: string;
  readonly free: Amounts;
  readonly groups: ReadonlySet<string>;
};

/**
 * Whether everything on a host finds room on the others at once, by memory, processors and hard
 * anti-affinity: a host that cannot be emptied is best left for later, before anybody is asked.
 * It searches; where it gives up it says yes, and Nova says what does not fit.
 *
 * @param targets hosts that take instances, without the one to be emptied
 */
export const fitsElsewhere = (
  burdens: readonly Burden[],
  targets: readonly HostRoom[],
): boolean => {
  const largestFirst = burdens.toSorted(bySize);
  let tries = 0;
  const place = (n: number, hosts: readonly Taken[]): boolean => {
    const burden = largestFirst[n];
    if (burden === undefined) return true;
    tries += 1;
    if (tries > MOST_TRIES) return true;
    return fitting(hosts, burden).some((chosen) =>
      place(
        n + 1,
        hosts.map((host) => (host === chosen ? filled(host, burden) : host)),
      ),
    );
  };
  return place(0, takenOf(targets));
};

/** Placements looked at for what is lacking, host by host. */
const MOST_LOOKED_AT = 200_000;

const RANKED = byWeight(COUNTED);

/** What has to become free for the host to be emptied, see `leastLack`; nothing where all fits. */
export const lackOf = (burdens: readonly Burden[], targets: readonly HostRoom[]): Amounts => {
  const lack = leastLack(
    {
      guests: burdens.toSorted(bySize),
      targets,
      needsOf: ({ needs }) => ranked(needs),
      freeOn: ({ capacity, used }) => ranked(minus(capacity, used)),
      bears: ({ host }, burden, newcomers) =>
        bears(host, burden, new Set(newcomers.flatMap(({ groups }) => groups))),
    },
    { left: MOST_LOOKED_AT },
  );
  const amounts = lack?.amounts ?? [];
  const lackedOf = (resource: (typeof COUNTED)[number]) => amounts[RANKED.indexOf(resource)] ?? 0;
  return { MEMORY_MB: lackedOf("MEMORY_MB"), VCPU: lackedOf("VCPU") };
};

/** Amounts in the order in which a lack of them weighs. */
export const ranked = (amounts: Amounts): number[] => RANKED.map((resource) => amounts[resource]);

const bySize = (a: Burden, b: Burden): number =>
  b.needs.VCPU - a.needs.VCPU || b.needs.MEMORY_MB - a.needs.MEMORY_MB;

const takenOf = (targets: readonly HostRoom[]): readonly Taken[] =>
  targets.map(({ host, capacity, used }) => ({
    host,
    free: minus(capacity, used),
    groups: new Set(),
  }));

/** The fullest that has room first, so that large ones are left for those to come. */
const fitting = (hosts: readonly Taken[], burden: Burden): Taken[] =>
  hosts
    .filter((host) => takes(host, burden))
    .toSorted((a, b) => a.free.VCPU - b.free.VCPU || a.free.MEMORY_MB - b.free.MEMORY_MB);

const takes = ({ host, free, groups }: Taken, burden: Burden): boolean =>
  COUNTED.every((resource) => {
    const need = burden.needs[resource];
    return need === 0 || need <= free[resource];
  }) && bears(host, burden, groups);

/** Whether its groups bear the instance on a host to which members of these groups go already. */
const bears = (
  host: string,
  { apart, groups: own }: Burden,
  groups: ReadonlySet<string>,
): boolean => !apart.includes(host) && !own.some((group) => groups.has(group));

const filled = (host: Taken, { needs, groups }: Burden): Taken => ({
  ...host,
  free: minus(host.free, needs),
  groups: new Set([...host.groups, ...groups]),
});

const minus = (a: Amounts, b: Amounts): Amounts => ({
  MEMORY_MB: a.MEMORY_MB - b.MEMORY_MB,
  VCPU: a.VCPU - b.VCPU,
});
