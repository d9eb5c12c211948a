import { secondsUntil } from "./instant.ts";
import type { Intent, Move } from "./move.ts";

const FORCE = "force_complete";

/** The effect that forces a move to its end. */
export const forceEffect = ({ effect }: Pick<Intent, "effect">): string => `${FORCE}#${effect}`;

/** Every move of the instance that this run has forced, or may have: there is at most one. */
export const forcesOf = <Made extends Pick<Intent, "effect" | "instance_id">>(
  intents: readonly Made[],
  instanceId: string,
): Made[] =>
  intents.filter(
    ({ effect, instance_id }) => effect.startsWith(`${FORCE}#`) && instance_id === instanceId,
  );

/** Since when the move is forced, or may be; null when it is not, or Nova refused. */
export const forcedSince = (
  made: readonly Pick<Intent, "effect" | "outcome" | "at">[],
  move: Pick<Intent, "effect">,
): string | null => {
  const force = made.find(({ effect }) => effect === forceEffect(move));
  return force === undefined || force.outcome === "refused" ? null : force.at;
};

/** What is left to copy of an instance that moves, and what has been sent so far, in bytes. */
export type Transfer = {
  readonly memory_left: number;
  readonly disk_left: number;
  /** It grows all the while, also when as much is changed as is sent. */
  readonly memory_sent: number;
};

/**
 * For how many seconds the instance would be paused to send the rest of its memory, at the rate at
 * which this very migration has sent since it last got nearer to its end. The rest is the most that
 * was left since then: within each pass over the memory what is left falls to nothing, and what has
 * changed meanwhile is counted only at the next. Null when nobody can tell: a rate was not seen yet,
 * or disks are left to copy too.
 */
export const expectedPause = (
  progress: Move["progress"],
  { disk_left, memory_sent }: Pick<Transfer, "disk_left" | "memory_sent">,
  now: string,
): number | null => {
  if (progress === null || progress.sent === null || progress.most === null) return null;
  if (disk_left > 0) return null;
  const seconds = secondsUntil(progress.at, now);
  const sent = memory_sent - progress.sent;
  return seconds > 0 && sent > 0 ? (progress.most * seconds) / sent : null;
};

type Situation = {
  /** It has got no nearer to its end for so long that something has to be done. */
  readonly isStalled: boolean;
  /** The session allows that a move is forced, and this move is one that should go on. */
  readonly isAllowed: boolean;
  /** How long it may be interrupted, in its owner's own words; null = its owner has never said. */
  readonly most: number | null;
  /** How long it would be, in seconds; null = nobody can tell. */
  readonly pause: number | null;
  /** When this move was forced, unless Nova refused; null = it was not. */
  readonly forcedAt: string | null;
  /** The instance has been forced in this run, or Nova would not. */
  readonly isSpent: boolean;
};

/**
 * What is done next with a live migration. One that no longer gets on is aborted, which the instance
 * does not notice. It is forced instead, which pauses the instance, only where the session allows
 * it, its owner has said how long it may be interrupted, and it will not be for longer; and never
 * twice. One that takes longer all the same is aborted, so that the instance goes on where it was.
 */
export const nextStep = (
  { isStalled, isAllowed, most, pause, forcedAt, isSpent }: Situation,
  now: string,
): "wait" | "force" | "abort" => {
  if (forcedAt !== null) return secondsUntil(forcedAt, now) <= (most ?? 0) ? "wait" : "abort";
  if (!isStalled) return "wait";
  const isBearable = most !== null && most > 0 && pause !== null && pause <= most;
  return isAllowed && isBearable && !isSpent ? "force" : "abort";
};
