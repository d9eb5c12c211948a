import * as z from "zod";
import type { HostRun } from "../host-run.ts";
import { secondsUntil } from "../instant.ts";
import type { Move } from "../move.ts";
import type { Action, Session } from "../session.ts";

/** How far a duration may be off, and whether anybody has seen such a thing yet. */
const expectedSchema = z.object({
  basis: z.enum(["observed", "guess"]),
  observations: z.int(),
  /** What it is multiplied by where things go well and where they go badly: quartiles of what was seen. */
  low: z.number(),
  high: z.number(),
});

/** What moves and the work on a host are expected to take. */
export const durationsSchema = z.object({
  moves: expectedSchema.extend({
    fix_seconds: z.number(),
    mb_per_second: z.number(),
  }),
  work: expectedSchema.extend({ seconds: z.number() }),
});
export type Durations = z.infer<typeof durationsSchema>;

/** A live migration that went through at its first try: MiB of memory, and seconds. */
export type SeenMove = { readonly memory_mb: number; readonly seconds: number };

/** With fewer observations a guess is as good. */
const FEWEST = 5;
/** The newest tell enough; pairs of more would only take longer. */
const MOST = 200;

/** A guess: half of what a link of 10 Gbit/s carries, and what Nova takes around it. */
const GUESSED_MOVES: Durations["moves"] = {
  basis: "guess",
  observations: 0,
  low: 0.5,
  high: 2,
  fix_seconds: 10,
  mb_per_second: 500,
};

/**
 * Learns fix + MB / rate: the slope is the median of those of all pairs of different sizes (Theil and
 * Sen), so that a few moves that hung say nothing. Of moves of one size alone only the usual speed can
 * be learned.
 *
 * @param seen the newest first
 */
export const learnMoves = (seen: readonly SeenMove[]): Durations["moves"] => {
  const newest = seen.slice(0, MOST);
  if (newest.length < FEWEST) return { ...GUESSED_MOVES, observations: newest.length };
  const line = lineThrough(newest) ?? scaledGuess(newest);
  const ratios = newest.map((move) => move.seconds / moveSeconds(line, move.memory_mb));
  return { basis: "observed", observations: newest.length, ...quartiles(ratios), ...line };
};

type Line = Pick<Durations["moves"], "fix_seconds" | "mb_per_second">;

const lineThrough = (seen: readonly SeenMove[]): Line | null => {
  const slopes = seen.flatMap((a, n) =>
    seen
      .slice(n + 1)
      .filter((b) => isFarFrom(a.memory_mb, b.memory_mb))
      .map((b) => (b.seconds - a.seconds) / (b.memory_mb - a.memory_mb)),
  );
  const slope = slopes.length === 0 ? 0 : quantile(slopes, 0.5);
  if (slope <= 0) return null;
  const fix = quantile(
    seen.map(({ memory_mb, seconds }) => seconds - slope * memory_mb),
    0.5,
  );
  return { fix_seconds: Math.max(0, fix), mb_per_second: 1 / slope };
};

/** Of sizes that are nearly the same, the difference in time is chance. */
const isFarFrom = (a: number, b: number): boolean =>
  Math.max(a, b) >= 2 * Math.min(a, b) && a !== b;

/** The least share of the guess that anything is believed to take. */
const QUICKEST = 0.1;

const scaledGuess = (seen: readonly SeenMove[]): Line => {
  const ratios = seen.map((move) => move.seconds / moveSeconds(GUESSED_MOVES, move.memory_mb));
  const usual = Math.max(QUICKEST, quantile(ratios, 0.5));
  return {
    fix_seconds: GUESSED_MOVES.fix_seconds * usual,
    mb_per_second: GUESSED_MOVES.mb_per_second / usual,
  };
};

/** No move takes no time at all. */
const SHORTEST_SECONDS = 1;

/** How long the move of an instance with so much memory is expected to take. */
export const moveSeconds = ({ fix_seconds, mb_per_second }: Line, memoryMb: number): number =>
  Math.max(SHORTEST_SECONDS, fix_seconds + memoryMb / mb_per_second);

/** What a guess of work may be off by. */
const GUESSED_SPREAD = { low: 0.5, high: 2 };

/**
 * Learns how long a host is away: from the beginning of its work until it takes instances again.
 *
 * @param seen seconds of hosts on which the same actions were done, the newest first
 * @param guess what counts until there are enough of them
 */
export const learnWork = (seen: readonly number[], guess: number): Durations["work"] => {
  const newest = seen.slice(0, MOST);
  if (newest.length < FEWEST)
    return {
      basis: "guess",
      observations: newest.length,
      ...GUESSED_SPREAD,
      seconds: Math.max(SHORTEST_SECONDS, guess),
    };
  const seconds = Math.max(SHORTEST_SECONDS, quantile(newest, 0.5));
  const ratios = newest.map((one) => one / seconds);
  return { basis: "observed", observations: newest.length, ...quartiles(ratios), seconds };
};

/** Around 1: what is expected is never better than the best, or worse than the worst. */
const quartiles = (ratios: readonly number[]) => ({
  low: Math.min(1, quantile(ratios, 0.25)),
  high: Math.max(1, quantile(ratios, 0.75)),
});

const quantile = (numbers: readonly number[], share: number): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? 0;
  return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] ?? below) - below);
};

/** Work of which nobody says how long it takes. */
const UNKNOWN_ACTION_SECONDS = 1800;
/** Heartbeats of nova-compute that prove a host to be back. */
const BEATS = 3;

/**
 * How long the work of a session takes on a host as far as its request tells: `host_minutes`, else
 * its actions one after the other, and the proof that the host is back.
 */
export const guessWork = (
  { host_minutes, actions }: Pick<Session, "host_minutes" | "actions">,
  heartbeatSeconds: number,
): number =>
  host_minutes === null
    ? actions.reduce((sum, action) => sum + actionSeconds(action), BEATS * heartbeatSeconds)
    : host_minutes * 60;

/** A hold with `seconds` lasts so long; other work ends by its time-out at the latest. */
const actionSeconds = ({ plugin, metadata }: Action): number => {
  const { seconds, ttl_minutes } = metadata;
  if (plugin === "hold" && seconds !== undefined) return Number(seconds);
  if (ttl_minutes === undefined) return UNKNOWN_ACTION_SECONDS;
  return Math.min(UNKNOWN_ACTION_SECONDS, Number(ttl_minutes) * 60);
};

/**
 * What the moves of a session tell: live migrations that went through at once.
 *
 * @param memoryOf MiB of an instance; undefined when nobody knows any more
 */
export const seenMoves = (
  moves: readonly Move[],
  memoryOf: (instanceId: string) => number | undefined,
): SeenMove[] =>
  moves.flatMap(({ action, state, tries, started_at, finished_at, instance_id }) => {
    const memory_mb = memoryOf(instance_id);
    if (action !== "LIVE_MIGRATE" || state !== "moved" || tries !== 1) return [];
    if (started_at === null || finished_at === null || memory_mb === undefined) return [];
    return [{ memory_mb, seconds: secondsUntil(started_at, finished_at) }];
  });

/** How long hosts of a session were away for their work, in seconds. */
export const seenWork = (runs: readonly HostRun[]): number[] =>
  runs.flatMap(({ outcome, work_started_at, finished_at }) =>
    outcome === "maintained" && work_started_at !== null && finished_at !== null
      ? [secondsUntil(work_started_at, finished_at)]
      : [],
  );
