import {
  amount,
  type Board,
  exempt,
  type Group,
  type Guest,
  index,
  mustLeave,
  nudge,
  type Place,
  schedule,
  seat,
  take,
  unseat,
} from "./board.ts";
import { isSameCell } from "./targets.ts";

/** Whether a target may take the instance, whatever the slots: room, groups, versions, refusals. */
export const mayTake = (target: Place, guest: Guest): boolean =>
  target !== guest.at &&
  !target.isShut &&
  mayEver(target, guest) &&
  hasRoom(target, guest) &&
  groupsAllow(target, guest);

/** Whether the host may bear the instance at all, were it empty. */
export const mayEver = (target: Place, { instance, at }: Guest): boolean =>
  leadsTo(at, target) && !instance.refused.includes(target.number);

/** Whether instances may move from one host to the other: never back to an older hypervisor. */
export const leadsTo = (from: Place, to: Place): boolean =>
  to.pool === from.pool &&
  to.host.takes &&
  to.host.version >= from.host.version &&
  isSameCell(to.host, from.host);

const hasRoom = (target: Place, guest: Guest): boolean => {
  if (guest.heldAt === target) return true;
  const { needs } = guest.instance;
  for (let r = 0; r < needs.length; r++) if ((needs[r] ?? 0) > (target.free[r] ?? 0)) return false;
  return true;
};

const groupsAllow = (target: Place, guest: Guest): boolean =>
  guest.heldAt === target ||
  guest.groups.every(
    (group) =>
      bearsMore(group, target, 1) &&
      (group.rules.policy !== "affinity" || takesAll(target, group.members)),
  );

const bearsMore = ({ most, on }: Group, target: Place, more: number): boolean =>
  most === 0 || (on.get(target) ?? 0) + more <= most;

/** Whether all of an affinity group may go to the target: it goes there as a whole. */
const takesAll = (target: Place, members: readonly Guest[]): boolean =>
  members.every(
    (member) =>
      member.heldAt === null && member.instance.fate === "moves" && mayEver(target, member),
  ) &&
  target.free.every((free, r) => sumOf(members, r) <= free) &&
  [...countsOf(members)].every(([group, more]) => bearsMore(group, target, more));

/** Whether the target is where the soft groups of the instance would have it. */
export const isWished = (target: Place, { groups }: Guest): boolean =>
  groups.every(({ rules, on }) => {
    const members = on.get(target) ?? 0;
    if (rules.policy === "soft-anti-affinity") return members === 0;
    return rules.policy !== "soft-affinity" || members > 0;
  });

const sumOf = (guests: readonly Guest[], r: number): number =>
  guests.reduce((sum, { instance }) => sum + amount(instance.needs, r), 0);

/** How many of the instances are in each group. */
const countsOf = (guests: readonly Guest[]): Map<Group, number> => {
  const counts = new Map<Group, number>();
  for (const { groups } of guests)
    for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  return counts;
};

/** Whether its owner has been told long enough ago, and its groups bear one more interruption. */
export const mayBegin = (board: Board, { instance, at, groups, to }: Guest): boolean =>
  to === null &&
  at.openedAt + instance.lead_seconds <= board.now &&
  groups.every((group) => bears(board, group, 1));

/** Whether so many further members of a group may be interrupted now. */
export const bears = (
  { now }: Pick<Board, "now">,
  { rules, impacted, freeAt }: Group,
  members: number,
): boolean =>
  freeAt <= now &&
  (rules.max_impacted_members === 0 || impacted + members <= rules.max_impacted_members);

/** Begins a move: room on both hosts and a slot of each are taken until it has ended. */
export const begin = (board: Board, guest: Guest, target: Place): void => {
  if (guest.heldAt !== target) settleOn(board, guest, target);
  for (const { rules, members } of guest.groups)
    if (rules.policy === "affinity")
      for (const member of members)
        if (member !== guest && member.at !== target && member.heldAt === null) {
          settleOn(board, member, target);
          exempt(member.at);
        }
  board.migrations += 1;
  board.timeline.push(moveEvent(board, "migrate_start", guest, target));
  fly(board, guest, target, guest.instance.move_seconds);
};

/** Keeps room for an instance on its target. */
const settleOn = (board: Board, guest: Guest, target: Place): void => {
  take(board, target, guest.instance.needs, 1);
  for (const { on } of guest.groups) on.set(target, (on.get(target) ?? 0) + 1);
  guest.heldAt = target;
  index(target);
};

const moveEvent = (
  { now }: Board,
  event: "migrate_start" | "migrate_end",
  { number, at }: Guest,
  to: Place,
) => ({ t: now, event, instance: number, from: at.number, to: to.number });

/** Lets a move go on that runs at t = 0: its room is counted in what is used. */
export const goOn = (board: Board, guest: Guest, target: Place, seconds: number): void => {
  for (const { on } of guest.groups) on.set(target, (on.get(target) ?? 0) + 1);
  guest.heldAt = target;
  fly(board, guest, target, seconds);
};

/** Lets a move run that has its room on both hosts. */
const fly = (board: Board, guest: Guest, target: Place, seconds: number): void => {
  guest.to = target;
  unseat(guest.at, guest);
  guest.at.load -= guest.size;
  for (const group of guest.groups) group.impacted += 1;
  for (const place of [guest.at, target]) {
    place.freeSlots -= 1;
    place.inFlight += 1;
    index(place);
  }
  schedule(board, board.now + seconds, () => land(board, guest, target));
};

const land = (board: Board, guest: Guest, target: Place): void => {
  const source = guest.at;
  board.timeline.push(moveEvent(board, "migrate_end", guest, target));
  take(board, source, guest.instance.needs, -1);
  for (const place of [source, target]) {
    place.freeSlots += 1;
    place.inFlight -= 1;
    index(place);
  }
  for (const group of guest.groups) {
    group.impacted -= 1;
    group.on.set(source, (group.on.get(source) ?? 0) - 1);
    rest(board, group.rules.recovery_seconds, group);
  }
  guest.at = target;
  guest.to = null;
  guest.heldAt = null;
  seat(target, guest);
  target.load += guest.size;
  if (target.stage === "open") mustLeave(target, guest);
  nudge(source);
};

/** After an interruption a group is left alone for its recovery time. */
export const rest = (board: Board, seconds: number, group: Group): void => {
  if (seconds === 0) return;
  group.freeAt = Math.max(group.freeAt, board.now + seconds);
  schedule(board, group.freeAt, () => {
    for (const { at } of group.members) nudge(at);
  });
};
