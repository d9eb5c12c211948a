import * as z from "zod";

/**
 * What becomes of an instance, as Fenix's wire names it: `MIGRATE` = cold migration, which stops it
 * for a while; `LIVE_MIGRATE`; `OWN_ACTION` = its owner takes it off the host.
 */
export const OWNER_ACTIONS = ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"] as const;
export const ownerActionSchema = z.enum(OWNER_ACTIONS);
export type OwnerAction = z.infer<typeof ownerActionSchema>;
