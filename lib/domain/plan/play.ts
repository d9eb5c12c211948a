import { type Board, exempt, type Guest, openBoard, type Place, type Pool } from "./board.ts";
import type { Cluster, Rules } from "./cluster.ts";
import { type Course, fund, isFunded } from "./credit.ts";
import { empty, goOnWorking, leave, open, spend, workWhenEmpty } from "./hosts.ts";
import { mayOpen } from "./may-open.ts";
import { begin, goOn, isWished, mayBegin, mayTake } from "./moves.ts";
import { goOnRescuing, rescue } from "./rescue.ts";
import { mostRoom, tightest } from "./room-index.ts";
import type { Plan } from "./timeline.ts";
import { whyBlocked } from "./why-blocked.ts";

/**
 * Plays the maintenance of a cluster through on one course: a few hosts are emptied onto the others,
 * and from then on everything goes to hosts that have been maintained, so that it moves but once
 * more. Whatever the course, no rule is broken; a better course is only sooner done.
 *
 * Nothing is random and no clock is read: the same input gives the same plan.
 */
export const play = (cluster: Cluster, rules: Rules, course: Course): Plan => {
  const board = openBoard(cluster, rules);
  takeUp(board, cluster);
  for (const pool of board.pools) openEarly(board, pool, course);
  do for (const pool of board.pools) attend(board, pool, course);
  while (advance(board) || rescue(board));
  return planOf(board);
};

/** Goes on with what is under way at t = 0. */
const takeUp = (board: Board, { moves }: Cluster): void => {
  for (const { instance, to, seconds } of moves) {
    const guest = board.guests[instance];
    const target = board.places[to];
    if (guest !== undefined && target !== undefined) goOn(board, guest, target, seconds);
  }
  for (const place of board.places) {
    if (place.host.job === "emptying") empty(board, place);
    if (place.host.job === "working") goOnWorking(board, place);
  }
};

/** Opens the hosts that are emptied the soonest, before there is a maintained host to go to. */
const openEarly = (board: Board, pool: Pool, { early }: Course): void => {
  const order = pool.places
    .filter(({ stage }) => stage === "waiting")
    .map((place) => ({ place, seconds: secondsOf(place) }))
    .sort(
      (a, b) =>
        a.place.rank - b.place.rank || a.seconds - b.seconds || a.place.number - b.place.number,
    );
  let left = early * pool.size;
  for (const { place } of order) {
    if (left < place.size / 2 || !mayOpen(board, place)) continue;
    place.early = true;
    exempt(place);
    open(board, place);
    left -= place.size;
  }
};

const secondsOf = ({ guests }: Place): number => {
  let sum = 0;
  for (const { instance } of guests) sum += instance.move_seconds;
  return sum;
};

/** Begins all that can be begun now in a pool. */
const attend = (board: Board, pool: Pool, course: Course): void => {
  if (!pool.touched) return;
  pool.touched = false;
  startWorks(board, pool);
  if (goOnRescuing(board, pool)) return;
  if (pool.changed) fund(board, pool, course);
  startWorks(board, pool);
  beginMoves(board, pool);
};

/** Starts the work on hosts that have become empty; what has to wait for its groups is looked at again. */
const startWorks = (board: Board, pool: Pool): void => {
  if (pool.emptied.length === 0) return;
  for (const place of pool.emptied) workWhenEmpty(board, place);
  pool.emptied = pool.emptied.filter(
    ({ stage, pending }) => stage === "open" && pending.length === 0,
  );
};

/**
 * Begins moves, host by host in the order of their opening; a host stays eager while it waits for
 * targets or groups.
 */
const beginMoves = (board: Board, pool: Pool): void => {
  const { eager, smallest } = pool;
  if (!pool.isSorted) eager.sort((a, b) => a.turn - b.turn);
  pool.isSorted = true;
  const settled = mostRoom(pool.settled) + 1;
  const inVain: InVain = { settled, any: Math.max(settled, mostRoom(pool.waiting) + 1) };
  let kept = 0;
  let n = 0;
  for (; n < eager.length && (pool.exempt > 0 || inVain.settled > smallest); n++) {
    const place = eager[n];
    if (place === undefined) continue;
    place.isEager = place.stage === "open" && beginFrom(board, place, inVain);
    if (place.isEager) eager[kept++] = place;
  }
  if (kept < n) eager.splice(kept, n - kept);
};

/**
 * The size from which on no instance finds a target, on settled hosts or on any; what is learned
 * from an instance of which nothing but the size matters is true of all, until something ends.
 */
type InVain = { settled: number; any: number };

/** @returns whether the host has still something that might begin */
const beginFrom = (board: Board, place: Place, inVain: InVain): boolean => {
  while (place.freeSlots > 0 && mayHope(place, inVain)) {
    const move = nextMove(board, place, inVain);
    if (move === null) return true;
    const { guest, target } = move;
    leave(place, guest);
    spend(place, guest.size);
    begin(board, guest, target);
    inVain.settled = Math.min(inVain.settled, mostRoom(place.pool.settled) + 1);
  }
  return place.freeSlots > 0 && canPay(place);
};

/** Whether it is worth looking at its instances one by one. */
const mayHope = (place: Place, inVain: InVain): boolean =>
  canPay(place) && (place.isExempt || (place.pending.at(-1)?.size ?? 0) < inVain.settled);

/** Whether its credit is enough for its smallest instance at least. */
const canPay = ({ pending, isExempt, credit }: Place): boolean => {
  const smallest = pending.at(-1);
  return smallest !== undefined && (isExempt || smallest.size <= credit);
};

type Move = { readonly guest: Guest; readonly target: Place };

/**
 * The largest instance that its host's credit allows and some target takes; the smallest of a host
 * that is not funded, which only begins early.
 */
const nextMove = (board: Board, place: Place, inVain: InVain): Move | null => {
  const { pending, early } = place;
  const bar = early ? "any" : "settled";
  const most = Math.min(early ? Number.POSITIVE_INFINITY : place.credit, inVain[bar] - 1);
  const order = early || isFunded(place) ? pending : pending.toReversed();
  for (const guest of order) {
    const isAffordable = guest.size <= most || guest.heldAt !== null;
    if (!isAffordable || !mayBegin(board, guest)) continue;
    const target = targetFor(guest, early);
    if (target !== null) return { guest, target };
    if (guest.isPlain) inVain[bar] = Math.min(inVain[bar], guest.size);
  }
  return null;
};

/** Where an instance goes: where its soft groups wish it, if there is such a host. */
const targetFor = (guest: Guest, early: boolean): Place | null => {
  const { heldAt } = guest;
  if (heldAt !== null) return heldAt.freeSlots > 0 && mayTake(heldAt, guest) ? heldAt : null;
  const wished = guest.hasWishes
    ? tightestFor(guest, early, (target) => mayTake(target, guest) && isWished(target, guest))
    : null;
  return wished ?? tightestFor(guest, early, (target) => mayTake(target, guest));
};

/** The tightest host that needs no further move; for a host opened early, else one that still does. */
const tightestFor = (
  { at, size }: Guest,
  early: boolean,
  suits: (target: Place) => boolean,
): Place | null =>
  tightest(at.pool.settled, size, suits) ?? (early ? tightest(at.pool.waiting, size, suits) : null);

/** Goes to the next instant at which anything happens. @returns false = nothing will */
const advance = (board: Board): boolean => {
  const next = board.due.pop();
  if (next === undefined) return false;
  board.now = next.t;
  next.happen();
  while (board.due.peek()?.t === board.now) board.due.pop()?.happen();
  return true;
};

const planOf = (board: Board): Plan => ({
  timeline: board.timeline,
  migrations: board.migrations,
  makespan_seconds: board.timeline.findLast(({ event }) => event === "work_end")?.t ?? 0,
  blocked: whyBlocked(board),
});
