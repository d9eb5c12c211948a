import { beginMoves } from "./begin-moves.ts";
import { type Board, exempt, type Place, type Pool } from "./board.ts";
import type { Cluster, Rules } from "./cluster.ts";
import { type Course, fund } from "./credit.ts";
import { empty, goOnWorking, open, workWhenEmpty } from "./hosts.ts";
import { mayOpen } from "./may-open.ts";
import { goOn } from "./moves.ts";
import { goOnRescuing, rescue } from "./rescue.ts";
import { openBoard } from "./set-up-board.ts";
import type { Plan } from "./timeline.ts";
import { whyBlocked } from "./why-blocked.ts";

/**
 * Plays the maintenance of a cluster through on one course: a few hosts are emptied onto the others,
 * and from then on everything goes to hosts that have been maintained, so that it moves but once
 * more. Whatever the course, no rule is broken; a better course is only sooner done.
 *
 * Nothing is random and no clock is read: the same input gives the same plan.
 *
 * @param late hosts that are left alone, as they would not be done by the end of the window
 */
export const play = (
  cluster: Cluster,
  rules: Rules,
  course: Course,
  late: ReadonlySet<number> = new Set(),
): Plan => {
  const board = openBoard(cluster, rules);
  for (const number of late) {
    const place = board.places[number];
    if (place !== undefined) place.isLate = true;
  }
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
