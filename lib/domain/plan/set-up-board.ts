import TinyQueue from "tinyqueue";
import {
  amount,
  type Board,
  type Due,
  type Group,
  type Guest,
  index,
  isSettled,
  type Place,
  type Pool,
  ROUNDING,
  type Stage,
  seat,
  shareOf,
} from "./board.ts";
import type { Cluster, ClusterGroup, HostJob, Quantities, Rules } from "./cluster.ts";
import { byWeight } from "./lack.ts";
import { roomIndex } from "./room-index.ts";

/** Sets the cluster up as it is at t = 0; hosts that are being emptied are yet to be opened. */
export const openBoard = (cluster: Cluster, rules: Rules): Board => {
  const units = unitsOf(cluster);
  const places = placesOf(cluster, rules, units);
  const groups = cluster.groups.map(groupOf);
  const guests = guestsOf(cluster, { places, groups, units });
  const board: Board = {
    rules,
    units,
    order: byWeight(cluster.resources).map((resource) => cluster.resources.indexOf(resource)),
    isReserved: cluster.resources.map((name) => rules.reserve_of.includes(name)),
    places,
    guests,
    pools: [...new Set(places.map(({ pool }) => pool))],
    timeline: [],
    due: new TinyQueue<Due>([], (a, b) => a.t - b.t || a.n - b.n),
    open: new Map(),
    zones: new Map(),
    now: 0,
    scheduled: 0,
    migrations: 0,
  };
  for (const place of places) index(place);
  return board;
};

const placesOf = ({ hosts }: Cluster, rules: Rules, units: readonly number[]): Place[] => {
  const largest = Math.max(0, ...hosts.map(({ capacity }) => shareOf(units, capacity)));
  const areCellsKnown = hosts.every(({ cell }) => cell !== null);
  const pools = new Map<string, Pool>();
  const order = rules.zone_order.length + 1;
  return hosts.map((host, number) => {
    const key = JSON.stringify([areCellsKnown && host.cell, rules.same_zone && host.zone]);
    const pool = pools.get(key) ?? emptyPool(largest);
    pools.set(key, pool);
    const free = host.capacity.map((total, r) => total - amount(host.used, r));
    const place: Place = {
      number,
      host,
      pool,
      rank: (rules.zone_order.indexOf(host.zone) + order) % order,
      free,
      size: shareOf(units, host.capacity),
      share: shareOf(units, free),
      freeSlots: rules.slots,
      stage: STAGES[host.job],
      guests: [],
      pending: [],
      inFlight: 0,
      need: 0,
      remaining: 0,
      load: 0,
      credit: 0,
      early: false,
      isExempt: false,
      openedAt: 0,
      turn: 0,
      isEager: false,
      isStuck: false,
      isLate: false,
      isPinned: false,
      hasStays: false,
      isShut: host.job === "cordoned",
      before: null,
      after: null,
      bucket: 0,
      index: null,
    };
    pool.places.push(place);
    pool.size += place.size;
    if (isSettled(place)) pool.settledShare += place.share;
    return place;
  });
};

const STAGES: Readonly<Record<HostJob, Stage>> = {
  none: "out",
  waiting: "waiting",
  cordoned: "waiting",
  emptying: "waiting",
  working: "working",
  done: "done",
};

const emptyPool = (largest: number): Pool => ({
  places: [],
  size: 0,
  settled: roomIndex(largest),
  waiting: roomIndex(largest),
  queue: [],
  eager: [],
  isSorted: true,
  emptied: [],
  exempt: 0,
  smallest: Number.POSITIVE_INFINITY,
  settledShare: 0,
  promised: 0,
  changed: true,
  rescue: null,
  touched: true,
});

const groupOf = (rules: ClusterGroup): Group => ({
  rules,
  most:
    rules.policy === "anti-affinity"
      ? Math.max(1, rules.max_instances_per_host)
      : rules.max_instances_per_host,
  members: [],
  on: new Map(),
  impacted: 0,
  freeAt: 0,
});

const guestsOf = (
  { instances }: Cluster,
  {
    places,
    groups,
    units,
  }: { places: readonly Place[]; groups: readonly Group[]; units: readonly number[] },
): Guest[] => {
  const areAlike = new Set(places.map(({ host }) => host.version)).size < 2;
  return instances.flatMap((instance, number) => {
    const place = places[instance.host];
    if (place === undefined) return [];
    const own = instance.groups.flatMap((group) => groups[group] ?? []);
    const guest: Guest = {
      number,
      instance,
      groups: own,
      hasWishes: own.some(({ rules }) => rules.policy?.startsWith("soft-")),
      size: sizeOf(units, instance.needs),
      isPlain:
        areAlike &&
        instance.groups.length === 0 &&
        instance.refused.length === 0 &&
        instance.needs.every((need, r) => need === 0 || amount(units, r) > 0),
      at: place,
      seat: 0,
      to: null,
      heldAt: null,
    };
    seat(place, guest);
    place.pool.smallest = Math.min(place.pool.smallest, guest.size);
    if (instance.fate !== "stays") place.load += guest.size;
    place.isPinned ||= instance.fate === "pinned";
    place.hasStays ||= instance.fate === "stays";
    for (const group of guest.groups) {
      group.members.push(guest);
      group.on.set(place, (group.on.get(place) ?? 0) + 1);
    }
    return [guest];
  });
};

/**
 * How much one of each resource counts, so that one number says how much of a host is free and how
 * much an instance takes: the first resource as it is, the others in proportion to the fleet's
 * capacity (dominant share). Resources that some hosts lack count nothing; they are only checked.
 */
const unitsOf = ({ hosts, resources }: Cluster): number[] => {
  const total = (r: number) => hosts.reduce((sum, { capacity }) => sum + amount(capacity, r), 0);
  return resources.map((_, r) =>
    hosts.every(({ capacity }) => amount(capacity, r) > 0) ? total(0) / total(r) : 0,
  );
};

/** What it takes of the resource it takes most of. */
const sizeOf = (units: readonly number[], needs: Quantities): number =>
  Math.max(0, ...units.map((unit, r) => Math.ceil(amount(needs, r) * unit - ROUNDING)));
