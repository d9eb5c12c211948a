import type TinyQueue from "tinyqueue";
import type { ClusterGroup, ClusterHost, ClusterInstance, Quantities, Rules } from "./cluster.ts";
import { type Indexed, insert, type RoomIndex, remove } from "./room-index.ts";
import type { Step } from "./sequence.ts";
import type { PlanEvent } from "./timeline.ts";

/** `out`: not part of the session, so that it needs no further move, as one that is `done`. */
export type Stage = "waiting" | "open" | "working" | "done" | "out";

/** A host while the plan is played through. */
export interface Place extends Indexed<Place> {
  readonly number: number;
  readonly host: ClusterHost;
  readonly pool: Pool;
  /** Of its zone in the order of zones; the lowest is opened first. */
  readonly rank: number;
  readonly free: number[];
  /** All its room as one number, see `unitsOf` in set-up-board.ts. */
  readonly size: number;
  freeSlots: number;
  stage: Stage;
  /** What is on it and not on its way elsewhere. */
  readonly guests: Guest[];
  /** Of an open host: what has still to leave, the largest first. */
  pending: Guest[];
  /** Moves from and to it. */
  inFlight: number;
  /** Sizes of `pending` together, and how long their moves take one after the other. */
  need: number;
  remaining: number;
  /** Sizes of all that would have to leave it. */
  load: number;
  /** Room on settled hosts that it may use up. */
  credit: number;
  /** Opened first: it may be emptied onto hosts that are still to be maintained. */
  early: boolean;
  /** It needs no credit for some of its moves: it is early, or room is kept elsewhere for them. */
  isExempt: boolean;
  openedAt: number;
  /** Its turn among the open hosts of its pool; the lowest begins first. */
  turn: number;
  isEager: boolean;
  /** A rescue of it failed. */
  isStuck: boolean;
  /** Its work would end after the window, although that does not show when it is opened. */
  isLate: boolean;
  /** Whether anything on it may not be moved and must not go down with it; whether anything goes down with it. */
  isPinned: boolean;
  hasStays: boolean;
  /** Taken out of scheduling before its turn: it takes nothing until it has been opened. */
  isShut: boolean;
}

/** An instance while the plan is played through. */
export type Guest = {
  readonly number: number;
  readonly instance: ClusterInstance;
  readonly groups: readonly Group[];
  /** Whether any of its groups would rather have it here than there. */
  readonly hasWishes: boolean;
  /** Its needs as one number, see `unitsOf` in set-up-board.ts. */
  readonly size: number;
  /** Whether its size alone says where it may go. */
  readonly isPlain: boolean;
  at: Place;
  /** Where it is in the list of its host. */
  seat: number;
  to: Place | null;
  /** Room is kept for it there: the first of its affinity group went there. */
  heldAt: Place | null;
};

export type Group = {
  readonly rules: ClusterGroup;
  /** Members on one host; 0 = no limit. */
  readonly most: number;
  readonly members: Guest[];
  readonly on: Map<Place, number>;
  impacted: number;
  /** Before that no member may be interrupted. */
  freeAt: number;
};

/** Hosts among which instances move: a zone of a cell, or the whole cell. */
export type Pool = {
  readonly places: Place[];
  /** All their room. */
  size: number;
  /** Hosts with a free slot that need no further move, and those still to be maintained. */
  readonly settled: RoomIndex<Place>;
  readonly waiting: RoomIndex<Place>;
  /** Hosts that are being emptied, in the order in which they were opened. */
  queue: Place[];
  /** Those of them that may have a move to begin, in the same order if `isSorted`. */
  readonly eager: Place[];
  isSorted: boolean;
  /** Those that may have nothing left on them. */
  emptied: Place[];
  /** How many of them need no credit for some of their moves. */
  exempt: number;
  /** Size of the smallest instance. */
  smallest: number;
  /** Free room on settled hosts, and how much of it is promised to open ones. */
  settledShare: number;
  promised: number;
  /** Whether there is room to promise, or a place to open a host, that was not there before. */
  changed: boolean;
  /** A rescue that is under way; nothing else is begun meanwhile. */
  rescue: { readonly place: Place; readonly steps: Step[] } | null;
  /** Whether anything happened in it since its moves were last looked at. */
  touched: boolean;
};

/** Room of a zone, per resource, as it was after so many events. */
export type ZoneRoom = {
  readonly events: number;
  /** Free on hosts that are not open, less what has still to leave those that are. */
  readonly left: readonly number[];
  /** What the largest host has. */
  readonly largest: readonly number[];
};

/** What happens at an instant to come; what was scheduled first happens first. */
export type Due = { readonly t: number; readonly n: number; readonly happen: () => void };

/** A cluster while a plan is played through: what is where, what is under way, and what happened. */
export type Board = {
  readonly rules: Rules;
  /** See `unitsOf` in set-up-board.ts. */
  readonly units: readonly number[];
  /** The resources by index, those first of which a lack weighs most. */
  readonly order: readonly number[];
  /** Whether a reserve is kept of each resource. */
  readonly isReserved: readonly boolean[];
  readonly places: readonly Place[];
  readonly guests: readonly Guest[];
  readonly pools: readonly Pool[];
  readonly timeline: PlanEvent[];
  readonly due: TinyQueue<Due>;
  /** Hosts that are open or at work, by kind; "" counts all. */
  readonly open: Map<string, number>;
  /** What is known of zones' room, by name. */
  readonly zones: Map<string, ZoneRoom>;
  now: number;
  scheduled: number;
  migrations: number;
};

export const amount = (amounts: ArrayLike<number>, r: number): number => amounts[r] ?? 0;

/** What is left of the scarcest resource, as one number. */
export const shareOf = (units: readonly number[], free: Quantities): number => {
  let share = Number.POSITIVE_INFINITY;
  for (let r = 0; r < units.length; r++) {
    const unit = amount(units, r);
    if (unit > 0) share = Math.min(share, Math.floor(amount(free, r) * unit + ROUNDING));
  }
  return share;
};

/** So that 64 x 2048.0000001 is no unit more than 131072. */
export const ROUNDING = 1e-6;

/** A host that needs no further move, so that what goes there has moved for the last time. */
export const isSettled = ({ stage, host }: Place): boolean =>
  host.takes && (stage === "done" || stage === "out");

/** Puts a host where it is looked for, after its room, its slots or its stage have changed. */
export const index = (place: Place): void => {
  remove(place);
  if (place.freeSlots <= 0 || !place.host.takes || place.isShut) return;
  if (place.stage === "waiting") insert(place.pool.waiting, place);
  else if (isSettled(place)) insert(place.pool.settled, place);
};

/** Changes the stage of a host; room on settled hosts is what the pool can promise. */
export const enter = (place: Place, stage: Stage): void => {
  if (isSettled(place)) place.pool.settledShare -= place.share;
  place.stage = stage;
  if (isSettled(place)) place.pool.settledShare += place.share;
  place.pool.changed = true;
  index(place);
};

/** Lets a host begin moves for which it has no credit. */
export const exempt = (place: Place): void => {
  if (!place.isExempt) place.pool.exempt += 1;
  place.isExempt = true;
};

/** Notes an instance on a host. */
export const seat = ({ guests }: Place, guest: Guest): void => {
  guest.seat = guests.length;
  guests.push(guest);
};

/** Takes it off again; the last one takes its seat. */
export const unseat = ({ guests }: Place, guest: Guest): void => {
  const last = guests.pop();
  if (last === undefined || last === guest) return;
  guests[guest.seat] = last;
  last.seat = guest.seat;
};

/** The order in which instances are placed: those that fit in the fewest places come first. */
export const largestFirst = (a: Guest, b: Guest): number => b.size - a.size || a.number - b.number;

/** Puts an instance on the list of what has still to leave an open host. */
export const mustLeave = (place: Place, guest: Guest): void => {
  if (guest.instance.fate !== "moves") return;
  place.pending.push(guest);
  place.pending.sort(largestFirst);
  place.need += guest.size;
  place.remaining += guest.instance.move_seconds;
  nudge(place);
};

/** Has an open host looked at when its pool is attended to next. */
export const nudge = (place: Place): void => {
  const { pool, stage, isEager, pending, inFlight } = place;
  pool.touched = true;
  if (stage !== "open") return;
  if (pending.length === 0) {
    if (inFlight === 0 && !pool.emptied.includes(place)) pool.emptied.push(place);
    return;
  }
  if (isEager) return;
  place.isEager = true;
  pool.isSorted &&= (pool.eager.at(-1)?.turn ?? 0) <= place.turn;
  pool.eager.push(place);
};

/** Takes room on a host, or gives it back. */
export const take = ({ units }: Board, place: Place, needs: Quantities, sign: 1 | -1): void => {
  for (let r = 0; r < place.free.length; r++)
    place.free[r] = amount(place.free, r) - sign * amount(needs, r);
  const share = shareOf(units, place.free);
  if (isSettled(place)) place.pool.settledShare += share - place.share;
  place.share = share;
};

/** Counts a host as open, or no longer. */
export const count = ({ open }: Board, { host }: Place, by: 1 | -1): void => {
  for (const kind of ["", ...host.kinds]) open.set(kind, (open.get(kind) ?? 0) + by);
};

export const schedule = (board: Board, t: number, happen: () => void): void => {
  board.scheduled += 1;
  board.due.push({ t, n: board.scheduled, happen });
};
