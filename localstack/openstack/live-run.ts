import { sleep } from "../clock.ts";
import { behaviourOf, type Operation } from "./faults.ts";
import type { Move, Simulation } from "./simulation.ts";
import type { Action, Instance } from "./world.ts";

/** Why a live migration ended before its time, as its row and its action tell. */
export class Ended extends Error {
  readonly status: string;
  readonly event: string | null;

  /** @param event the action's event that failed; null for failures that no event tells of */
  constructor(status: string, event: string | null, details: string) {
    super(details);
    this.status = status;
    this.event = event;
  }
}

/** A live migration under way. */
export type Run = {
  readonly simulation: Simulation;
  readonly instance: Instance;
  readonly source: string;
  readonly action: Action;
  readonly move: Move;
};

/** What a source that died in the middle leaves as the reason of `move.stop`. */
export const SOURCE_DIED = "source died";
export const TARGET_DIED = "target died";

/** Sleeps, but not beyond an abort or the death of one of the two hosts. */
export const wait = async ({ simulation, move, instance }: Run, ms: number): Promise<void> => {
  await sleep(simulation.clock, ms, move.stop.signal);
  throwIfStopped(move);
  if (instance.vm_state === "deleted") throw new Ended("error", null, "the instance is gone");
};

/** @throws Ended when somebody or something has stopped the move */
export const throwIfStopped = ({ stop }: Move): void => {
  if (!stop.signal.aborted) return;
  const died = stop.signal.reason === TARGET_DIED;
  throw died
    ? new Ended("failed", null, "the connection to the target broke")
    : new Ended("cancelled", null, "aborted");
};

/** How this step goes at a host, after it has taken the time it was told to. */
export const behave = async (run: Run, operation: Operation, host: string) => {
  const { simulation, instance } = run;
  const behaviour = behaviourOf(simulation.faults, operation, instance.id, host);
  if (behaviour.seconds) await wait(run, behaviour.seconds * 1_000);
  return behaviour;
};
