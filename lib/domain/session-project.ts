import * as z from "zod";

/** Instances kept with a project of a session, so that the row stays far from DynamoDB's 400 KB. */
export const MOST_INSTANCES = 5_000;

/**
 * Says that a session concerns a project, and which of its instances were seen on the hosts before
 * the work. Instances are only ever added, so it does not matter who writes it, or how often.
 */
export const sessionProjectSchema = z.object({
  schema: z.literal(1),
  session_id: z.string(),
  project_id: z.string(),
  /** The session's: projects see the newest session first. */
  created_at: z.string(),
  instance_ids: z
    .set(z.string())
    .default(new Set<string>())
    .transform((ids) => [...ids].toSorted()),
});
export type SessionProject = z.infer<typeof sessionProjectSchema>;
