/**
 * Time as the embedded stack and the simulated cloud see it. Nothing in `localstack/` reads
 * `Date` or sets a timer of its own, so that one clock decides how fast the whole world runs.
 */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Runs `act` once `now() >= at`; the answer cancels it. */
  readonly at: (at: number, act: () => void) => () => void;
  /**
   * Says that work is under way which must end before time may jump; call the answer when it has
   * ended. Only a virtual clock cares.
   */
  readonly hold: () => () => void;
};

/** Resolves after `ms` of the clock's time, or at once when `signal` aborts. */
export const sleep = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.at(clock.now() + ms, resolve);
    signal?.addEventListener("abort", () => {
      cancel();
      resolve();
    });
  });

/** The longest delay `setTimeout` takes; a later instant is reached in several laps. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The wall clock, or one that starts at the wall clock's time and runs `factor` times as fast
 * (a demo wants minutes in seconds).
 */
export const scaledClock = (factor = 1): Clock => {
  const origin = Date.now();
  const started = performance.now();
  const now = () => Math.floor(origin + (performance.now() - started) * factor);
  const at: Clock["at"] = (when, act) => {
    let timer: NodeJS.Timeout;
    const lap = () => {
      const left = (when - now()) / factor;
      if (left <= 0) act();
      else timer = setTimeout(lap, Math.min(Math.ceil(left), LONGEST_TIMER_MS));
    };
    timer = setTimeout(
      lap,
      Math.max(0, Math.min(Math.ceil((when - now()) / factor), LONGEST_TIMER_MS)),
    );
    return () => clearTimeout(timer);
  };
  return { now, at, hold: () => () => undefined };
};

export type VirtualClock = Clock & {
  /**
   * Lets time jump from timer to timer, each jump only when nothing holds the clock, until `done`
   * says so or `deadline` (ms since the epoch) is reached.
   *
   * @returns whether `done` became true
   */
  readonly runUntil: (done: () => boolean | Promise<boolean>, deadline: number) => Promise<boolean>;
  /**
   * Jumps to the next timer, whoever holds the clock, and runs it: for who drives time himself and
   * knows that nothing is under way.
   *
   * @returns whether there was a timer
   */
  readonly step: () => boolean;
  /** Time jumps by `ms`, as after a machine's sleep: what was due meanwhile runs late. */
  readonly skip: (ms: number) => void;
};

type Timer = { readonly at: number; readonly order: number; readonly act: () => void };

/** A clock that stands still until `runUntil` drives it; timers due at one instant run in the order they were set. */
export const virtualClock = (start: number): VirtualClock => {
  let now = start;
  let order = 0;
  let holds = 0;
  const timers = new Set<Timer>();

  const next = () => {
    let first: Timer | undefined;
    for (const timer of timers)
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    return first;
  };
  const run = (timer: Timer) => {
    timers.delete(timer);
    now = Math.max(now, timer.at);
    timer.act();
  };
  /** Idle = nothing holds the clock over two turns of the event loop, so that answers in flight arrive first. */
  const idle = async () => {
    for (let quiet = 0; quiet < 2; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (holds > 0) quiet = -1;
    }
  };

  return {
    now: () => now,
    at: (at, act) => {
      const timer = { at, order: order++, act };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    hold: () => {
      holds += 1;
      let held = true;
      return () => {
        if (held) holds -= 1;
        held = false;
      };
    },
    runUntil: async (done, deadline) => {
      for (;;) {
        await idle();
        if (await done()) return true;
        const timer = next();
        if (!timer || timer.at > deadline) {
          now = Math.max(now, deadline);
          return false;
        }
        run(timer);
      }
    },
    step: () => {
      const timer = next();
      if (timer) run(timer);
      return timer !== undefined;
    },
    skip: (ms) => {
      now += ms;
    },
  };
};
