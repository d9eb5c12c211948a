import { constraintsOf } from "../domain/constraints.ts";
import { ACTION_HINT, type Wishes } from "../domain/dialogue/consent.ts";
import type { GroupClaim } from "../domain/move.ts";
import type { GuestFacts } from "../fleet/guests.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { ConstraintStore } from "../store/constraints.ts";

/** What the owner of an instance laid down for it. */
type OwnerRules = {
  readonly wishes: Wishes;
  /** Seconds from the notice to the act at least. */
  readonly leadSeconds: number;
  /** Of how many members at once its groups can bear an impact. */
  readonly groups: readonly GroupClaim[];
};

export type OwnersRules = { readonly of: (server: Server) => OwnerRules };

/**
 * Reads what holds for these servers: what their owners laid down as constraints and wrote into
 * their metadata, and their hard anti-affinity groups, of which one member at a time may be
 * impacted. What another project said about an instance does not count.
 */
export const readOwnersRules = async (
  constraints: ConstraintStore,
  servers: readonly Server[],
  { apart }: Pick<GuestFacts, "apart">,
): Promise<OwnersRules> => {
  const instances = await constraints.instances.getMany(servers.map(({ id }) => id));
  const groups = await constraints.groups.getMany(
    [...instances.values()].flatMap(({ group_id }) => group_id ?? []),
  );
  const saidOf = ({ id, project_id }: Server) => {
    const instance = instances.get(id);
    if (instance === undefined || instance.project_id !== project_id)
      return constraintsOf(null, null);
    return constraintsOf(instance, groups.get(instance.group_id ?? "") ?? null);
  };
  return {
    of: (server) => {
      const { migration_type, lead_time, group } = saidOf(server);
      return {
        wishes: { migrationType: migration_type, hint: server.metadata[ACTION_HINT] },
        leadSeconds: lead_time,
        groups: [...groupsApart(apart, server), ...(group ? [ofProject(server, group)] : [])],
      };
    },
  };
};

const groupsApart = (apart: GuestFacts["apart"], { id }: Server): GroupClaim[] =>
  (apart.get(id) ?? []).map((group) => ({
    id: group,
    max_impacted_members: 1,
    recovery_seconds: 0,
  }));

/** Anyone may name any group: what is counted for one project never holds up another. */
const ofProject = ({ project_id }: Server, group: GroupClaim): GroupClaim => ({
  ...group,
  id: `${project_id}/${group.id}`,
});
