import {
  type Board,
  count,
  enter,
  type Group,
  type Guest,
  largestFirst,
  nudge,
  type Place,
  schedule,
} from "./board.ts";
import { bears, rest } from "./moves.ts";

/**
 * Opens a host: from now on nothing is put on it, its owners are told, and what is on it leaves.
 */
export const open = (board: Board, place: Place): void => {
  board.timeline.push({ t: board.now, event: "host_open", host: place.number });
  empty(board, place);
};

/** Sets about emptying an open host. */
export const empty = (board: Board, place: Place): void => {
  place.isShut = false;
  enter(place, "open");
  count(board, place, 1);
  place.openedAt = board.now;
  place.pending = place.guests
    .filter(({ instance }) => instance.fate === "moves")
    .sort(largestFirst);
  place.need = place.pending.reduce((sum, { size }) => sum + size, 0);
  place.remaining = place.pending.reduce((sum, { instance }) => sum + instance.move_seconds, 0);
  place.pool.queue.push(place);
  place.turn = board.scheduled;
  nudge(place);
  for (const lead of new Set(place.pending.map(({ instance }) => instance.lead_seconds)))
    if (lead > 0) wakeAt(board, place, board.now + lead);
};

const wakeAt = (board: Board, place: Place, t: number): void =>
  schedule(board, t, () => nudge(place));

/** Gives a host up that is half emptied: it takes instances again, and may be opened later. */
export const close = (board: Board, place: Place): void => {
  promise(place, -place.credit);
  place.pending = [];
  place.need = 0;
  place.remaining = 0;
  leaveQueue(place);
  enter(place, "waiting");
  count(board, place, -1);
  board.timeline.push({ t: board.now, event: "host_close", host: place.number });
};

const leaveQueue = (place: Place): void => {
  place.pool.queue.splice(place.pool.queue.indexOf(place), 1);
  if (place.isExempt) place.pool.exempt -= 1;
  place.isExempt = false;
  place.early = false;
};

/** Takes an instance that begins to move off the list of its host. */
export const leave = (place: Place, guest: Guest): void => {
  place.pending.splice(place.pending.indexOf(guest), 1);
  place.need -= guest.size;
  place.remaining -= guest.instance.move_seconds;
};

/** Starts the work on an open host that is empty, if the groups of what stays on it bear that. */
export const workWhenEmpty = (board: Board, place: Place): void => {
  if (place.stage !== "open" || place.pending.length > 0 || place.inFlight > 0) return;
  if (place.isPinned || isTooLate(board, place)) return;
  const down = staying(place);
  if (![...down].every(([group, members]) => bears(board, group, members))) return;
  for (const [group, members] of down) group.impacted += members;
  leaveQueue(place);
  promise(place, -place.credit);
  enter(place, "working");
  board.timeline.push({ t: board.now, event: "work_start", host: place.number });
  schedule(board, board.now + place.host.work_seconds, () => finish(board, place));
};

const isTooLate = ({ now, rules }: Board, { host }: Place): boolean =>
  rules.ends_in_seconds !== null && now + host.work_seconds > rules.ends_in_seconds;

/** Lets work go on that runs at t = 0. */
export const goOnWorking = (board: Board, place: Place): void => {
  count(board, place, 1);
  for (const [group, members] of staying(place)) group.impacted += members;
  schedule(board, place.host.work_seconds, () => finish(board, place));
};

/** Ends the work on a host: it takes instances again. */
const finish = (board: Board, place: Place): void => {
  board.timeline.push({ t: board.now, event: "work_end", host: place.number });
  for (const [group, members] of staying(place)) {
    group.impacted -= members;
    rest(board, group.rules.recovery_seconds, group);
  }
  enter(place, "done");
  place.pool.touched = true;
  count(board, place, -1);
};

/** How many members of each group go down with the host. */
export const staying = ({ guests }: Place): Map<Group, number> => {
  const members = new Map<Group, number>();
  for (const { groups, instance } of guests)
    if (instance.fate === "stays")
      for (const group of groups) members.set(group, (members.get(group) ?? 0) + 1);
  return members;
};

/** Promises room on settled hosts to an open one, or takes it back. */
export const promise = (place: Place, share: number): void => {
  place.credit += share;
  place.pool.promised += share;
  if (share > 0) nudge(place);
};

/** Uses up what was promised, as far as there is any: a move to a settled host begins. */
export const spend = (place: Place, share: number): void =>
  promise(place, -Math.min(share, place.credit));
