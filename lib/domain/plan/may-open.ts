import { amount, type Board, type Guest, type Place, type ZoneRoom } from "./board.ts";
import { staying } from "./hosts.ts";
import type { BlockingRule } from "./timeline.ts";

/** Whether a host may be opened now, as far as it is not a question of room for what is on it. */
export const mayOpen = (board: Board, place: Place): boolean =>
  !isAtLimit(board, place) && barrierOf(board, place) === null;

/** Whether as many hosts are open as may be; that passes by itself. */
const isAtLimit = ({ open, rules }: Board, { host }: Place): boolean =>
  (open.get("") ?? 0) >= (rules.max_parallel_hosts ?? Number.POSITIVE_INFINITY) ||
  host.kinds.some(
    (kind) => (open.get(kind) ?? 0) >= (rules.max_parallel_per[kind] ?? Number.POSITIVE_INFINITY),
  );

/** The rule that keeps the host from being opened, as things are; null = none. */
export const barrierOf = (board: Board, place: Place): BlockingRule | null => {
  if (place.isPinned) return "pinned";
  if (place.hasStays && !staysWithin(place)) return "max_impacted_members";
  if (place.isLate || !endsInTime(board, place)) return "window";
  return reserveLack(board, place) === null ? null : "reserve";
};

/** Whether the groups of what goes down with the host bear that at all. */
const staysWithin = (place: Place): boolean =>
  [...staying(place)].every(
    ([{ rules }, members]) =>
      rules.max_impacted_members === 0 || members <= rules.max_impacted_members,
  );

const endsInTime = ({ rules, now }: Board, { guests, host }: Place): boolean => {
  if (rules.ends_in_seconds === null) return true;
  const moves = leadAndMoves(guests, ({ instance }) => instance.move_seconds / rules.slots);
  return now + moves + host.work_seconds <= rules.ends_in_seconds;
};

/** Whether it will even if its moves go one after the other, each after the rest of its groups. */
export const surelyEndsInTime = ({ rules, now }: Board, { guests, host }: Place): boolean => {
  const moves = leadAndMoves(
    guests,
    ({ instance, groups }) =>
      instance.move_seconds + Math.max(0, ...groups.map((group) => group.rules.recovery_seconds)),
  );
  return now + moves + host.work_seconds <= (rules.ends_in_seconds ?? Number.POSITIVE_INFINITY);
};

const leadAndMoves = (guests: readonly Guest[], seconds: (guest: Guest) => number): number => {
  const leaving = guests.filter(({ instance }) => instance.fate === "moves");
  const lead = Math.max(0, ...leaving.map(({ instance }) => instance.lead_seconds));
  return lead + leaving.reduce((sum, guest) => sum + seconds(guest), 0);
};

/**
 * What the zone would lack of its reserve, per resource; null = nothing. Counted is what is free on
 * hosts that are in service and not open, less all that is on those that are, this one among them:
 * as a session counts it (reserve.ts), what is on its way is still on its host, too.
 */
export const reserveLack = (board: Board, opening: Place): number[] | null => {
  const { reserve_hosts } = board.rules;
  if (reserve_hosts === 0) return null;
  const { left, largest } = roomOfZone(board, opening.host.zone);
  const lack = opening.free.map((_, r) => {
    if (board.isReserved[r] !== true) return 0;
    const without = amount(left, r) - roomOn(opening, r) - usedOf(opening, r);
    return Math.max(0, reserve_hosts * amount(largest, r) - without);
  });
  return lack.some((missing) => missing > 0) ? lack : null;
};

/** The zone as it is now: counted once for all of its hosts, until anything happens. */
const roomOfZone = (board: Board, zone: string): ZoneRoom => {
  const { places, zones, timeline } = board;
  const known = zones.get(zone);
  if (known?.events === timeline.length) return known;
  const here = places.filter(({ host }) => host.zone === zone);
  const resources = [...(here[0]?.free.keys() ?? [])];
  const room = {
    events: timeline.length,
    left: resources.map((r) => here.reduce((sum, place) => sum + roomOn(place, r), 0)),
    largest: resources.map((r) => Math.max(...here.map(({ host }) => amount(host.capacity, r)))),
  };
  zones.set(zone, room);
  return room;
};

/** What the host adds to the room of its zone; one that is being emptied takes from it. */
const roomOn = (place: Place, r: number): number => {
  const { stage, isShut, host } = place;
  if (stage === "open" || host.reserve === "burden") return -usedOf(place, r);
  const isSpare = host.reserve === "spare" && stage !== "working" && !isShut;
  return isSpare ? amount(place.free, r) : 0;
};

const usedOf = ({ host, free }: Place, r: number): number =>
  amount(host.capacity, r) - amount(free, r);
