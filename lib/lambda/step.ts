import * as z from "zod";
import { TransientError } from "../domain/errors.ts";
import type { RunRef } from "../domain/run.ts";
import { logger } from "./logger.ts";
import { isPassing } from "./passing.ts";

/** What every state of both machines hands to its Lambda: ids and the instant it was entered. */
const inputSchema = z.object({
  run_id: z.string(),
  generation: z.int(),
  now: z.iso.datetime().transform((at) => new Date(at).toISOString()),
});

export type StepInput = { readonly ref: RunRef; readonly now: string; readonly event: unknown };

/**
 * Wraps one step: parses its input, returns what it found, and gives every passing failure the
 * one name that the machines' `Retry` matches on. Everything else reaches their `Catch` as it is.
 */
export const step =
  <Output>(run: (input: StepInput) => Promise<Output>) =>
  async (event: unknown): Promise<Output> => {
    const { now, ...ref } = inputSchema.parse(event);
    try {
      const output = await run({ ref, now, event });
      logger.debug("step", { ...ref, output });
      return output;
    } catch (error) {
      logger.warn("step failed", { ...ref, error });
      if (isPassing(error)) throw new TransientError(error.message, { cause: error });
      throw error;
    }
  };
