import * as z from "zod";
import { OWNER_ACTIONS, ownerActionSchema } from "./action.ts";

/** How a session talks with the owners of its instances, and what it does when they do not agree. */
export const dialogueSchema = z.strictObject({
  /** Actions that owners may choose from. */
  allowed_actions: z
    .array(ownerActionSchema)
    .max(3)
    .default([...OWNER_ACTIONS]),
  /** How long an owner has for an answer about instances; a lead time of its own goes before. */
  reply_seconds: z.int().min(1).max(86_400).default(120),
  /** The same for a project that is asked to scale in, or told that all is over: real ones take minutes. */
  scale_seconds: z.int().min(1).max(86_400).default(900),
  /** What is done with instances whose owner heard it and said nothing: never a cold move. */
  silent: z.enum(["live", "skip"]).default("live"),
  /** The same where nothing got through to the owner. */
  not_reached: z.enum(["live", "skip"]).default("skip"),
  /** What a refusal leads to: asked again later, the host put back, or the session stopped. */
  refused: z.enum(["defer", "skip", "stop"]).default("defer"),
  /** Whether projects may be asked for room where it is short. */
  scale_in: z.boolean().default(true),
});
export type Dialogue = z.infer<typeof dialogueSchema>;
