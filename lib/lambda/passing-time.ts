import { setTimeout as pause } from "node:timers/promises";
import { later } from "../domain/instant.ts";

/** Time as it goes by in an invocation that lasts minutes. */
export type PassingTime = {
  readonly now: () => string;
  /** Until the invocation is ended. */
  readonly secondsLeft: () => number;
  readonly waitUntil: (at: string) => Promise<void>;
};

/**
 * The instant of what invoked a function, and what has gone by since as Lambda counts it.
 *
 * @param context of which only the time that remains is used
 */
export const passingTime = (
  startedAt: string,
  context: { readonly getRemainingTimeInMillis: () => number },
): PassingTime => {
  const atFirst = context.getRemainingTimeInMillis();
  const now = () => later(startedAt, (atFirst - context.getRemainingTimeInMillis()) / 1000);
  return {
    now,
    secondsLeft: () => context.getRemainingTimeInMillis() / 1000,
    waitUntil: async (at) => {
      for (let ms = msUntil(now(), at); ms > 0; ms = msUntil(now(), at)) await pause(ms);
    },
  };
};

const msUntil = (from: string, to: string): number => Date.parse(to) - Date.parse(from);
