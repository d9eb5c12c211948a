import * as z from "zod";

/** A hook's id: 128 bits in hexadecimal. */
export const hookIdSchema = z.string().regex(/^[0-9a-f]{32}$/);

/**
 * A one-time callback: whoever does a host's work reports its end by it. One per (session, host,
 * action); only hashes of its secrets are kept: each time the work is asked for it gets a new one,
 * and any of them may answer, once.
 */
export const hookSchema = z.object({
  schema: z.literal(1),
  hook_id: z.string(),
  secrets_sha256: z.array(z.string()),
  run_id: z.string(),
  session_id: z.string(),
  host: z.string(),
  expires_at: z.string(),
  answer: z
    .object({
      state: z.enum(["DONE", "FAILED"]),
      details: z.string().nullable(),
      at: z.string(),
      /** An admin said so, and that the host may come back. */
      released: z.boolean().optional(),
    })
    .nullable(),
});
export type Hook = z.infer<typeof hookSchema>;

/** Body of POST /v1/callbacks/{id}. */
export const answerSchema = z.strictObject({
  state: z.enum(["DONE", "FAILED"]),
  details: z.string().max(1000).optional(),
});
