import type { HostRun } from "../host-run.ts";
import type { Movability } from "../instances.ts";
import type { Session } from "../session.ts";
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

type Taken = { readonly host: string; readonly free: Amounts; readonly groups: readonly string[] };

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

/**
 * What finds no place when each instance in turn, the largest first, goes where there is room: what
 * has to become free for the host to be emptied, as near as can be said without a plan.
 */
export const lackOf = (burdens: readonly Burden[], targets: readonly HostRoom[]): Amounts => {
  let hosts = takenOf(targets);
  let lack: Amounts = { MEMORY_MB: 0, VCPU: 0 };
  for (const burden of burdens.toSorted(bySize)) {
    const chosen = fitting(hosts, burden)[0];
    if (chosen === undefined) lack = plus(lack, burden.needs);
    hosts = hosts.map((host) => (host === chosen ? filled(host, burden) : host));
  }
  return lack;
};

const bySize = (a: Burden, b: Burden): number =>
  b.needs.VCPU - a.needs.VCPU || b.needs.MEMORY_MB - a.needs.MEMORY_MB;

const takenOf = (targets: readonly HostRoom[]): readonly Taken[] =>
  targets.map(({ host, capacity, used }) => ({ host, free: minus(capacity, used), groups: [] }));

/** The fullest that has room first, so that large ones are left for those to come. */
const fitting = (hosts: readonly Taken[], burden: Burden): Taken[] =>
  hosts
    .filter((host) => takes(host, burden))
    .toSorted((a, b) => a.free.VCPU - b.free.VCPU || a.free.MEMORY_MB - b.free.MEMORY_MB);

const takes = ({ host, free, groups }: Taken, { needs, apart, groups: own }: Burden): boolean =>
  COUNTED.every((resource) => needs[resource] <= free[resource]) &&
  !apart.includes(host) &&
  !own.some((group) => groups.includes(group));

const filled = (host: Taken, { needs, groups }: Burden): Taken => ({
  ...host,
  free: minus(host.free, needs),
  groups: [...host.groups, ...groups],
});

const minus = (a: Amounts, b: Amounts): Amounts => ({
  MEMORY_MB: a.MEMORY_MB - b.MEMORY_MB,
  VCPU: a.VCPU - b.VCPU,
});
const plus = (a: Amounts, b: Amounts): Amounts => ({
  MEMORY_MB: a.MEMORY_MB + b.MEMORY_MB,
  VCPU: a.VCPU + b.VCPU,
});
