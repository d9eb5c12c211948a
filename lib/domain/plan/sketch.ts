import { amount, type Guest, type Place } from "./board.ts";
import { mayEver } from "./moves.ts";

/**
 * A placement that is only thought of: where instances would be, with what room that leaves and how
 * many members of each group are where. The board itself stays as it is.
 */
export type Sketch = {
  /** Hosts that instances may be put on. */
  readonly targets: readonly Place[];
  /** Instances that are not where the board has them; null = nowhere. */
  readonly placed: Map<Guest, Place | null>;
  readonly free: Map<Place, number[]>;
  readonly on: Map<Guest["groups"][number], Map<Place, number>>;
};

export const sketchOf = (targets: readonly Place[]): Sketch => ({
  targets,
  placed: new Map(),
  free: new Map(),
  on: new Map(),
});

export const placeOf = ({ placed }: Sketch, guest: Guest): Place | null => {
  const place = placed.get(guest);
  return place === undefined ? guest.at : place;
};

export const freeOn = ({ free }: Sketch, place: Place): readonly number[] =>
  free.get(place) ?? place.free;

/** Moves an instance in the sketch; null = takes it up, to be put elsewhere. */
export const put = (sketch: Sketch, guest: Guest, to: Place | null): void => {
  const from = placeOf(sketch, guest);
  if (from !== null) change(sketch, from, guest, -1);
  if (to !== null) change(sketch, to, guest, 1);
  sketch.placed.set(guest, to);
};

const change = (sketch: Sketch, place: Place, guest: Guest, by: 1 | -1): void => {
  const free = freeOn(sketch, place).map((left, r) => left - by * amount(guest.instance.needs, r));
  sketch.free.set(place, free);
  for (const group of guest.groups) {
    const on = sketch.on.get(group) ?? new Map(group.on);
    on.set(place, (on.get(place) ?? 0) + by);
    sketch.on.set(group, on);
  }
};

/** Whether the instance, which is on no host of the sketch or on another one, may be put there. */
export const fits = (sketch: Sketch, place: Place, guest: Guest): boolean =>
  mayEver(place, guest) &&
  lackOn(sketch, place, guest) === null &&
  groupsBear(sketch, place, guest);

/** What the host is short of for the instance, per resource; null = nothing. */
const lackOn = (sketch: Sketch, place: Place, { instance }: Guest): number[] | null => {
  const free = freeOn(sketch, place);
  const lack = instance.needs.map((need, r) => Math.max(0, need - amount(free, r)));
  return lack.some((missing) => missing > 0) ? lack : null;
};

/** Whether its groups bear one more member on the host. */
const groupsBear = ({ on }: Sketch, place: Place, { groups }: Guest): boolean =>
  groups.every(
    (group) => group.most === 0 || ((on.get(group) ?? group.on).get(place) ?? 0) < group.most,
  );

/** Whether the rest of its affinity groups is still to be placed, or goes there too. */
export const staysTogether = (sketch: Sketch, place: Place, guest: Guest): boolean =>
  guest.groups.every(
    ({ rules, members }) =>
      rules.policy !== "affinity" ||
      members.every((member) =>
        [null, place].includes(member === guest ? null : placeOf(sketch, member)),
      ),
  );
