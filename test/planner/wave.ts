import TinyQueue from "tinyqueue";

/** An instance leaves its host, and comes back after the work. */
export type WaveMove = { readonly home: number; readonly away: number; readonly seconds: number };

type Due = { readonly t: number; readonly happens: () => void };
type Trip = { readonly from: number; readonly to: number; readonly seconds: number };

/**
 * Plays one wave: its hosts are emptied, each goes to work when it is empty and takes its instances
 * back when it is done. The longest moves go first, as soon as both ends have a slot.
 *
 * @returns seconds until the last instance is back
 */
export const simulateWave = (
  hosts: readonly number[],
  moves: readonly WaveMove[],
  { slots, work }: { readonly slots: number; readonly work: number },
): number => {
  const due = new TinyQueue<Due>([], (a, b) => a.t - b.t);
  const waiting = new Map<number, Set<Trip>>();
  const busy = new Map<number, number>();
  let now = 0;

  const isFree = (host: number) => (busy.get(host) ?? 0) < slots;
  const occupy = ({ from, to }: Trip, by: 1 | -1) => {
    for (const host of [from, to]) busy.set(host, (busy.get(host) ?? 0) + by);
  };
  const go = (trip: Trip, then: () => void) => {
    occupy(trip, 1);
    const happens = () => {
      occupy(trip, -1);
      then();
      for (const host of [trip.from, trip.to]) dispatch(host);
    };
    due.push({ t: now + trip.seconds, happens });
  };
  const ends = new Map<Trip, () => void>();
  const dispatch = (host: number) => {
    for (const trip of waiting.get(host) ?? []) {
      if (!isFree(host)) return;
      if (!isFree(trip.from) || !isFree(trip.to)) continue;
      for (const end of [trip.from, trip.to]) waiting.get(end)?.delete(trip);
      go(trip, ends.get(trip) ?? (() => {}));
    }
  };
  const request = (trips: readonly Trip[], then: () => void) => {
    for (const trip of trips.toSorted((a, b) => b.seconds - a.seconds)) {
      ends.set(trip, then);
      for (const end of [trip.from, trip.to])
        waiting.set(end, (waiting.get(end) ?? new Set()).add(trip));
    }
    for (const { from } of trips) dispatch(from);
  };

  const byHome = Map.groupBy(moves, ({ home }) => home);
  for (const host of hosts) {
    const own = byHome.get(host) ?? [];
    let left = own.length;
    const back = own.map(({ away, seconds }) => ({ from: away, to: host, seconds }));
    const begin = () => due.push({ t: now + work, happens: () => request(back, () => {}) });
    const out = own.map(({ away, seconds }) => ({ from: host, to: away, seconds }));
    if (left === 0) begin();
    request(out, () => {
      left -= 1;
      if (left === 0) begin();
    });
  }
  for (let next = due.pop(); next !== undefined; next = due.pop()) {
    now = next.t;
    next.happens();
  }
  return now;
};
