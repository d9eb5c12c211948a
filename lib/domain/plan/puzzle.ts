import { amount, type Guest, type Place } from "./board.ts";
import { leadsTo, mayEver } from "./moves.ts";
import { exchangeable } from "./repack.ts";

/**
 * A host that is to be emptied and those that may take what is on it, reduced to how many instances
 * of each kind are where: placements that differ only in which of a kind is where count as one.
 */
export type Puzzle = {
  /** The last one is to be emptied. */
  readonly places: readonly Place[];
  /** The largest first. */
  readonly kinds: readonly Kind[];
  /** Per place and resource: the room for what may be moved, were none of it there. */
  readonly room: readonly (readonly number[])[];
  /** From which place a move may lead to which: `ways[from][to]`. */
  readonly ways: readonly (readonly boolean[])[];
  /** Where everything is now. */
  readonly start: Layout;
};

/** Instances that may stand in for each other: alike in needs, groups and refusals, and in where they come from. */
export type Kind = {
  readonly guests: readonly Guest[];
  readonly needs: readonly number[];
  readonly size: number;
  /** Per place: whether it may bear one at all. */
  readonly mayOn: readonly boolean[];
  readonly limits: readonly Limit[];
};

/** A group of which a place bears only so many members. */
type Limit = {
  /** Per place: how many, less those that stay there. */
  readonly most: readonly number[];
  /** The kinds that are members. */
  readonly kinds: readonly number[];
};

/** How many of each kind are on each place, place by place. */
export type Layout = Uint16Array;

/** A layout that is thought of, and the room that it leaves, place by place. */
export type Position = { readonly layout: Layout; readonly free: Float64Array };

/** Places times kinds: what is larger takes too long, and leads too deep. */
const MOST_CELLS = 4_000;

/**
 * @param leaving all that has to leave the host; none of it in an affinity group
 * @returns null = too much is different
 */
export const puzzleOf = (
  emptied: Place,
  leaving: readonly Guest[],
  targets: readonly Place[],
): Puzzle | null => {
  const places = [...targets, emptied];
  const guests = [...targets.flatMap(exchangeable), ...leaving];
  const alike = [...Map.groupBy(guests, likeness).values()].sort(bySize);
  if (alike.length * places.length > MOST_CELLS) return null;
  const kinds = alike.flatMap((each) => kindOf(each, alike, places));
  const numbers = new Map(places.map((place, p) => [place, p]));
  const start = new Uint16Array(places.length * kinds.length);
  const room = places.map(({ free }) => [...free]);
  for (const [k, { guests: those, needs }] of kinds.entries())
    for (const { at } of those) {
      const p = numbers.get(at) ?? 0;
      start[p * kinds.length + k] = amount(start, p * kinds.length + k) + 1;
      room[p] = (room[p] ?? []).map((free, r) => free + amount(needs, r));
    }
  const ways = places.map((from) => places.map((to) => from !== to && leadsTo(from, to)));
  return { places, kinds, room, ways, start };
};

const likeness = ({ instance: { needs, groups, refused }, at: { host } }: Guest): string =>
  JSON.stringify([needs, groups, refused, host.version, host.cell]);

const bySize = ([a]: readonly Guest[], [b]: readonly Guest[]): number =>
  (b?.size ?? 0) - (a?.size ?? 0) || (a?.number ?? 0) - (b?.number ?? 0);

const kindOf = (
  guests: readonly Guest[],
  alike: readonly (readonly Guest[])[],
  places: readonly Place[],
): Kind[] => {
  const [guest] = guests;
  if (guest === undefined) return [];
  const limits = guest.groups
    .filter(({ most }) => most > 0)
    .map((group): Limit => {
      const kinds = [...alike.keys()].filter((k) => alike[k]?.[0]?.groups.includes(group));
      const members = kinds.flatMap((k) => alike[k] ?? []);
      const most = places.map(
        (place) =>
          group.most - (group.on.get(place) ?? 0) + members.filter(({ at }) => at === place).length,
      );
      return { most, kinds };
    });
  const mayOn = places.map((place) => mayEver(place, guest));
  return [{ guests, needs: guest.instance.needs, size: guest.size, mayOn, limits }];
};

/** @param layout becomes part of the position, and changes with it */
export const positionOf = ({ kinds, room }: Puzzle, layout: Layout): Position => {
  const free = Float64Array.from(room.flat());
  const resources = room[0]?.length ?? 0;
  for (let p = 0; p < room.length; p++)
    for (let k = 0; k < kinds.length; k++) {
      const count = amount(layout, p * kinds.length + k);
      if (count > 0) reduce(free, p * resources, kinds[k]?.needs ?? [], count);
    }
  return { layout, free };
};

const reduce = (free: Float64Array, at: number, needs: readonly number[], count: number): void => {
  for (let r = 0; r < needs.length; r++)
    free[at + r] = amount(free, at + r) - count * amount(needs, r);
};

/** Puts so many more of a kind on a place, or takes them away. */
export const change = (
  { kinds }: Puzzle,
  { layout, free }: Position,
  p: number,
  k: number,
  by: number,
): void => {
  const needs = kinds[k]?.needs ?? [];
  layout[p * kinds.length + k] = amount(layout, p * kinds.length + k) + by;
  reduce(free, p * needs.length, needs, by);
};

/** How many more of the kind the place bears. */
export const bearable = (
  { kinds }: Puzzle,
  { layout, free }: Position,
  p: number,
  k: number,
): number => {
  const kind = kinds[k];
  if (kind === undefined || kind.mayOn[p] !== true) return 0;
  const { needs, limits } = kind;
  let most = Number.POSITIVE_INFINITY;
  for (let r = 0; r < needs.length; r++) {
    const need = amount(needs, r);
    if (need > 0) most = Math.min(most, Math.floor(amount(free, p * needs.length + r) / need));
  }
  for (const limit of limits) {
    let left = amount(limit.most, p);
    for (const member of limit.kinds) left -= amount(layout, p * kinds.length + member);
    most = Math.min(most, left);
  }
  return Math.max(0, most);
};
