import {
  type Board,
  type Group,
  type Guest,
  index,
  nudge,
  type Place,
  schedule,
  take,
} from "./board.ts";

/** Whether a target may take the instance, whatever the slots: room, groups, versions, refusals. */
export const mayTake = (target: Place, guest: Guest): boolean =>
  target !== guest.at &&
  target.pool === guest.at.pool &&
  target.host.takes &&
  target.host.version >= guest.at.host.version &&
  hasRoom(target, guest) &&
  groupsAllow(target, guest) &&
  !guest.instance.refused.includes(target.number);

const hasRoom = (target: Place, guest: Guest): boolean => {
  if (guest.heldAt === target) return true;
  const { needs } = guest.instance;
  for (let r = 0; r < needs.length; r++) if ((needs[r] ?? 0) > (target.free[r] ?? 0)) return false;
  return true;
};

const groupsAllow = (target: Place, guest: Guest): boolean => {
  for (const group of guest.groups) {
    if (group.most > 0 && guest.heldAt !== target && (group.on.get(target) ?? 0) >= group.most)
      return false;
    if (
      group.rules.policy === "affinity" &&
      guest.heldAt !== target &&
      !holdsAll(target, group.members)
    )
      return false;
  }
  return true;
};

/** Whether all of an affinity group finds room on the target: it goes there as a whole. */
const holdsAll = (target: Place, members: readonly Guest[]): boolean =>
  members.every(({ heldAt }) => heldAt === null) &&
  target.free.every(
    (free, r) => members.reduce((sum, { instance }) => sum + (instance.needs[r] ?? 0), 0) <= free,
  );

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
        if (member !== guest && member.heldAt === null) {
          settleOn(board, member, target);
          member.at.hasHeld = true;
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
  guest.at.guests.delete(guest);
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
  target.guests.add(guest);
  target.load += guest.size;
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
