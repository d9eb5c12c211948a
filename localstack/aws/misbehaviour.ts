/**
 * Ways in which AWS is less kind than a single process, switched on by tests. Every rate is a
 * probability from 0 to 1; all of them draw from one seeded sequence, so that a run can be repeated.
 */
export type Misbehaviour = {
  /** How long a write takes to show in a global secondary index, at most, in milliseconds. */
  readonly indexLagMs: () => number;
  /** Whether this TransactWriteItems is cancelled with TransactionConflict. */
  readonly conflicts: () => boolean;
  /** Whether this call is refused with a throttling error. */
  readonly throttles: () => boolean;
  /** Whether this stream batch or event is delivered a second time. */
  readonly duplicates: () => boolean;
  /** How late this stream batch or event is delivered, in milliseconds. */
  readonly delayMs: () => number;
};

export type Rates = {
  readonly seed: number;
  readonly indexLagMs?: number;
  readonly conflict?: number;
  readonly throttle?: number;
  readonly duplicate?: number;
  readonly delayMs?: number;
};

/** mulberry32: a small generator whose whole state is one 32-bit number (public domain, Tommy Ettinger). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export const misbehaviour = ({
  seed,
  indexLagMs = 0,
  conflict = 0,
  throttle = 0,
  duplicate = 0,
  delayMs = 0,
}: Rates): Misbehaviour => {
  const random = seededRandom(seed);
  return {
    indexLagMs: () => Math.floor(random() * indexLagMs),
    conflicts: () => random() < conflict,
    throttles: () => random() < throttle,
    duplicates: () => random() < duplicate,
    delayMs: () => Math.floor(random() * delayMs),
  };
};

/** The well-behaved stack of every day. */
export const noMisbehaviour: Misbehaviour = misbehaviour({ seed: 0 });
