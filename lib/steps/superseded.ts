import { SupersededError } from "../domain/errors.ts";

/** What host.asl.json routes on when another generation has taken the run over: it just ends. */
export const SUPERSEDED = { phase: "SUPERSEDED", wait: "none", seconds: 0, seq: 0 } as const;

/** Being superseded is something a step finds, not a failure: the other generation goes on. */
export const endIfSuperseded = (error: unknown): typeof SUPERSEDED => {
  if (error instanceof SupersededError) return SUPERSEDED;
  throw error;
};
