import * as z from "zod";

/**
 * One run of a state machine, over all its executions. `generation` is the fence: an effect is
 * made only under the generation that the row holds at that moment.
 */
export const runSchema = z.object({
  schema: z.literal(1),
  run_id: z.string(),
  machine: z.enum(["session", "host"]),
  session_id: z.string(),
  /** The host of a host run; null for a session's run. */
  host: z.string().nullable(),
  generation: z.int().min(1),
  status: z.enum(["active", "ended"]),
  heartbeat_at: z.string(),
  /** Until when its execution waits for news, while it does. */
  wake_at: z.string().optional(),
  /** Steps taken in this generation. */
  rounds: z.int(),
});
export type Run = z.infer<typeof runSchema>;

/** Who a step works for: the ids that a state machine carries, and nothing else. */
export type RunRef = {
  readonly run_id: string;
  readonly generation: number;
  /**
   * Which turn within the generation: Step Functions may try a step again while its first try still
   * runs, and only the newest turn may write.
   */
  readonly turn?: number;
};

/** Executions are named so that starting one twice is refused by Step Functions itself. */
export const executionName = ({ run_id, generation }: RunRef): string => `${run_id}-${generation}`;

/**
 * Above this many steps an execution hands over to the next generation: Step Functions ends an
 * execution at 25,000 events; a round takes up to 13 of them, and fewer than 5,000 are promised.
 */
const MAX_ROUNDS = 350;

export const isWornOut = (run: Run): boolean => run.rounds >= MAX_ROUNDS;

/** Seconds without a heartbeat after which `tick` looks whether the execution is alive. */
export const TAKEOVER_SECONDS = 120;

/** Seconds after which `tick` wakes whoever sleeps, in case that news was lost before it was counted. */
export const LOOK_ANYWAY_SECONDS = 600;

/** The longest an execution sleeps without looking at the world. */
export const LONGEST_WAIT_SECONDS = 86_400;
