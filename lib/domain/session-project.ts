import * as z from "zod";

/**
 * Says that a session concerns a project, because it was told so. Nothing in it ever changes, so it
 * does not matter which host's run writes it, or how often.
 */
export const sessionProjectSchema = z.object({
  schema: z.literal(1),
  session_id: z.string(),
  project_id: z.string(),
  /** The session's: projects see the newest session first. */
  created_at: z.string(),
});
export type SessionProject = z.infer<typeof sessionProjectSchema>;
