import { ACTION_HINT, type Wishes } from "../domain/dialogue/consent.ts";
import type { GroupClaim } from "../domain/move.ts";
import type { GuestFacts } from "../fleet/guests.ts";
import type { Server } from "../openstack/compute/servers.ts";

/** What the owner of an instance laid down for it. */
export type OwnerRules = {
  readonly wishes: Wishes;
  /** Seconds from the notice to the act at least. */
  readonly leadSeconds: number;
  /** Of how many members at once its groups can bear an impact. */
  readonly groups: readonly GroupClaim[];
};

export type OwnersRules = { readonly of: (server: Server) => OwnerRules };

/**
 * What holds for these servers: their hard anti-affinity groups, of which one member at a time may
 * be impacted, and what their owners wrote into their metadata.
 */
export const ownersRules = ({ apart }: Pick<GuestFacts, "apart">): OwnersRules => ({
  of: ({ id, metadata }) => ({
    wishes: { migrationType: null, hint: metadata[ACTION_HINT] },
    leadSeconds: 0,
    groups: (apart.get(id) ?? []).map((group) => ({
      id: group,
      max_impacted_members: 1,
      recovery_seconds: 0,
    })),
  }),
});
