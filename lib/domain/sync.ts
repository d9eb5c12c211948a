import * as z from "zod";

/** One wish to read the fleet from Nova, and what came of it. */
export const syncSchema = z.object({
  schema: z.literal(1),
  sync_id: z.string(),
  state: z.enum(["REQUESTED", "DONE", "FAILED"]),
  requested_at: z.string(),
  finished_at: z.string().nullable(),
  seen: z.int(),
  created: z.int(),
  updated: z.int(),
  gone: z.int(),
  error: z.string().nullable(),
});
export type Sync = z.infer<typeof syncSchema>;

export const requestSync = (syncId: string, now: string): Sync => ({
  schema: 1,
  sync_id: syncId,
  state: "REQUESTED",
  requested_at: now,
  finished_at: null,
  seen: 0,
  created: 0,
  updated: 0,
  gone: 0,
  error: null,
});

/** The event type that asks for a sync; its rule calls functions/engine/sync.ts. */
export const SYNC_REQUESTED = "inventory.sync.requested";
