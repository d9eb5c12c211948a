import type { Settings } from "../config.ts";
import { givingBack, type HostRun } from "../domain/host-run.ts";
import { secondsDraining } from "../domain/standstill.ts";

/**
 * Whether the host has had its time to become empty (Doctor's time-out of a maintenance request).
 * Time that owners were given for their answers does not count.
 */
export const drainIsOver = (run: HostRun, settings: Settings, now: string): boolean =>
  secondsDraining(run, now) >= settings.LULL_DRAIN_MINUTES * 60;

/** The host given back because it could not be emptied in time. */
export const giveUp = (run: HostRun, now: string, why: string): HostRun =>
  givingBack(run, now, `not empty in time: ${why}`);
