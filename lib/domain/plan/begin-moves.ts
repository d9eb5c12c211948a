import type { Board, Guest, Place, Pool } from "./board.ts";
import { isFunded } from "./credit.ts";
import { leave, spend } from "./hosts.ts";
import { begin, isWished, mayBegin, mayTake } from "./moves.ts";
import { mostRoom, tightest } from "./room-index.ts";

/**
 * Begins moves, host by host in the order of their opening; a host stays eager while it waits for
 * targets or groups.
 */
export const beginMoves = (board: Board, pool: Pool): void => {
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
