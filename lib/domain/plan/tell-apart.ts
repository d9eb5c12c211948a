import { amount } from "./board.ts";
import {
  bearable,
  change,
  type Kind,
  type Layout,
  type Position,
  type Puzzle,
  positionOf,
} from "./puzzle.ts";

/** Places tried for instances before it is given up. */
const MOST_TRIES = 5_000;

/** Makes one of all kinds that need the same, whatever their groups and refusals. */
export const withoutTelling = (puzzle: Puzzle): Puzzle => {
  const rows = rowsOf(puzzle);
  const kinds = [...Map.groupBy(puzzle.kinds, (_, k) => rows[k]).values()].map(mergedOf);
  const start = new Uint16Array(puzzle.places.length * kinds.length);
  for (const [at, count] of puzzle.start.entries()) {
    const place = Math.floor(at / rows.length);
    const cell = place * kinds.length + amount(rows, at % rows.length);
    start[cell] = amount(start, cell) + count;
  }
  return { ...puzzle, kinds, start };
};

/** Per kind: the number of the merged kind that it is part of. */
const rowsOf = ({ kinds }: Puzzle): number[] => {
  const alike = kinds.map(({ needs, guests: [guest] }) =>
    JSON.stringify([needs, guest?.at.host.version, guest?.at.host.cell]),
  );
  const distinct = [...new Set(alike)];
  return alike.map((likeness) => distinct.indexOf(likeness));
};

const mergedOf = (kinds: readonly Kind[]): Kind => ({
  guests: kinds.flatMap(({ guests }) => guests),
  needs: kinds[0]?.needs ?? [],
  size: kinds[0]?.size ?? 0,
  mayOn: (kinds[0]?.mayOn ?? []).map((_, p) => kinds.some(({ mayOn }) => mayOn[p])),
  limits: [],
});

/**
 * Says which instances are where in a placement that was found without telling them apart, so that
 * groups and refusals are heeded; where it can be, an instance stays where it is.
 *
 * @returns null = that is not possible, or it would take too much to find out
 */
export const tellApart = (puzzle: Puzzle, merged: Layout): Layout | null => {
  const order = [...puzzle.kinds.keys()]
    .sort((a, b) => freedomOf(puzzle, a) - freedomOf(puzzle, b) || a - b)
    .flatMap((k) => (puzzle.kinds[k]?.guests ?? []).map(() => k));
  const search: Search = {
    puzzle,
    position: positionOf(puzzle, new Uint16Array(puzzle.start.length)),
    seats: merged.slice(),
    rows: rowsOf(puzzle),
    order,
    tries: 0,
  };
  return seatFrom(search, 0) ? search.position.layout : null;
};

/** The fewer hosts an instance may be on, the sooner it is seated; the members of groups first of all. */
const freedomOf = ({ kinds, places }: Puzzle, k: number): number => {
  const { limits = [], mayOn = [] } = kinds[k] ?? {};
  return mayOn.filter(Boolean).length - limits.length * places.length;
};

type Search = {
  readonly puzzle: Puzzle;
  readonly position: Position;
  /** Seats that are free, per place and merged kind. */
  readonly seats: Layout;
  readonly rows: readonly number[];
  /** The kind of each instance, in the order in which they are seated. */
  readonly order: readonly number[];
  tries: number;
};

/** Seats the nth instance and all after it. */
const seatFrom = (search: Search, n: number): boolean => {
  const k = search.order[n];
  if (k === undefined) return true;
  for (const p of hostsFor(search, k)) {
    search.tries += 1;
    if (search.tries > MOST_TRIES) return false;
    seat(search, p, k, 1);
    if (seatFrom(search, n + 1)) return true;
    seat(search, p, k, -1);
  }
  return false;
};

/** Where it is, then where the most seats are free. */
const hostsFor = (search: Search, k: number): number[] => {
  const { puzzle, position } = search;
  const isHome = (p: number) => {
    const at = p * puzzle.kinds.length + k;
    return amount(puzzle.start, at) > amount(position.layout, at);
  };
  const seats = (p: number) => amount(search.seats, seatsAt(search, p, k));
  return [...puzzle.places.keys()]
    .filter((p) => seats(p) > 0 && bearable(puzzle, position, p, k) > 0)
    .sort((a, b) => Number(isHome(b)) - Number(isHome(a)) || seats(b) - seats(a));
};

const seat = (search: Search, p: number, k: number, by: 1 | -1): void => {
  const { puzzle, position, seats } = search;
  const at = seatsAt(search, p, k);
  change(puzzle, position, p, k, by);
  seats[at] = amount(seats, at) - by;
};

const seatsAt = ({ puzzle, seats, rows }: Search, p: number, k: number): number =>
  p * (seats.length / puzzle.places.length) + amount(rows, k);
