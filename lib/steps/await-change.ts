import * as z from "zod";
import { later } from "../domain/instant.ts";
import { sendWake } from "../engine/executions.ts";
import { step } from "../lambda/step.ts";
import { openEngine } from "./engine.ts";

const waitSchema = z.object({ token: z.string(), seq: z.int(), seconds: z.number() });

/**
 * The only state that waits for news. It stores the token by which it is woken, unless something
 * has happened since the world was read: then it answers its own token at once.
 */
export const awaitChange = () => {
  const { runs } = openEngine();
  return step(async ({ ref, now, event }) => {
    const { token, seq, seconds } = waitSchema.parse(event);
    const parked = await runs.park(ref, {
      seen: seq,
      token,
      now,
      wakeAt: later(now, seconds),
    });
    if (!parked) await sendWake(token);
    return {};
  });
};
