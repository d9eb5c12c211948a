import { type HostRun, PHASES, type Phase } from "./host-run.ts";
import { secondsUntil } from "./instant.ts";
import type { Session } from "./session.ts";
import { windowsAt } from "./windows.ts";

/** A hand on the whole cloud's brake: while it is frozen, nothing at all is done to it. */
export type Freeze = {
  readonly frozen: boolean;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
};

/** How Keystone, Nova and Placement are, as far as we have seen; `why` null = well. */
type CloudHealth = { readonly why: string | null };

export type Brakes = {
  readonly session: Session;
  readonly freeze: Freeze | null;
  readonly cloud: CloudHealth;
};

/** From here on a host is on its way back, which a pause does not hold up. */
const isOnItsWayBack = (phase: Phase): boolean =>
  PHASES.indexOf(phase) >= PHASES.indexOf("VERIFYING") && phase !== "RETIRING";

/** Why a host stands still, and how it waits for the end of that. */
export type Standstill = {
  readonly why: string;
  readonly wait: "poll" | "change";
  readonly seconds: number;
};

/** An order or a thaw wakes whoever waits for it; it looks by itself, too. */
const ordered = (why: string): Standstill => ({ why, wait: "change", seconds: 600 });
/** Nobody tells when the cloud is well again: each host looks. */
const unwell = (why: string): Standstill => ({ why, wait: "poll", seconds: 15 });

export const waitingForCloud = (why: string): Standstill => unwell(`waiting for the cloud: ${why}`);
export const waitingForThaw = (why: string): Standstill => ordered(why);

/**
 * Why nothing may be begun on a host in this phase now; null when it may go on. What was begun
 * before is watched all the same. A pause holds up whatever leads to more work; a frozen cloud, or
 * one that is unwell, holds up everything.
 */
export const standstillOf = (
  { session, freeze, cloud }: Brakes,
  phase: Phase,
): Standstill | null => {
  if (freeze?.frozen) return ordered(`frozen by ${freeze.by}: ${freeze.reason}`);
  if (cloud.why !== null) return waitingForCloud(cloud.why);
  const [hold] = session.control === "paused" && !isOnItsWayBack(phase) ? session.holds : [];
  return hold === undefined ? null : ordered(`paused by ${hold.by}: ${hold.reason}`);
};

/** The host with its clocks stopped; `why` may change while they are. */
export const stopped = (run: HostRun, why: string, now: string): HostRun =>
  run.standstill?.why === why
    ? run
    : { ...run, standstill: { at: run.standstill?.at ?? now, why } };

/** The host with its clocks running; the time they stood does not count. */
export const goingOn = (run: HostRun, now: string): HostRun => {
  if (run.standstill === null) return run;
  return {
    ...run,
    standstill: null,
    went_on_at: now,
    stood_still: run.stood_still + standing(run, now),
    stood_still_in_phase: run.stood_still_in_phase + standingInPhase(run, now),
  };
};

const standing = ({ standstill }: HostRun, now: string): number =>
  standstill === null ? 0 : Math.max(0, secondsUntil(standstill.at, now));

/** The same as far as it lies in the current phase: it may have begun in an earlier one. */
const standingInPhase = ({ standstill, phase_at }: HostRun, now: string): number =>
  standstill === null
    ? 0
    : Math.max(0, secondsUntil(standstill.at > phase_at ? standstill.at : phase_at, now));

/** The host with the clock of its emptying set anew: until now its owners had time. */
export const drainingFrom = (run: HostRun, now: string): HostRun => ({
  ...run,
  drain_from: now,
  stood_still_before: run.stood_still,
});

/** Seconds that count towards the time the host has to become empty. */
export const secondsDraining = (run: HostRun, now: string): number =>
  secondsUntil(run.drain_from ?? run.started_at ?? now, now) -
  (run.stood_still - run.stood_still_before) -
  standing(run, now);

/** Seconds in the current phase that count. */
export const secondsInPhase = (run: HostRun, now: string): number =>
  secondsUntil(run.phase_at, now) - run.stood_still_in_phase - standingInPhase(run, now);

/** How long a session that does not get on keeps the next hosts disabled. */
const CORDON_PATIENCE_SECONDS = 30 * 60;

/**
 * Whether a host that only waits for its turn is to be given back, so that instances may land on it
 * again: its session was aborted, has been paused or short of room for long, or has no window open.
 */
export const isCordonOver = (session: Session, run: HostRun, now: string): boolean =>
  session.control === "aborting" ||
  windowsAt(session, now).open === null ||
  session.attention.some(
    ({ code, since }) =>
      code === "below_reserve" && secondsUntil(since, now) >= CORDON_PATIENCE_SECONDS,
  ) ||
  (session.control === "paused" && standing(run, now) >= CORDON_PATIENCE_SECONDS);
