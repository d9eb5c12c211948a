import type { GroupClaim } from "../domain/move.ts";
import type { Write } from "./conditions.ts";
import { keys, type Table } from "./table.ts";

/** Each group once: of two claims on one group the stricter holds. One transaction takes a row once. */
export const distinct = (claims: readonly GroupClaim[]): GroupClaim[] => {
  const byId = new Map<string, GroupClaim>();
  for (const claim of claims) {
    const known = byId.get(claim.id) ?? claim;
    byId.set(claim.id, {
      id: claim.id,
      max_impacted_members: Math.min(known.max_impacted_members, claim.max_impacted_members),
      recovery_seconds: Math.max(known.recovery_seconds, claim.recovery_seconds),
    });
  }
  return [...byId.values()];
};

/**
 * The write that makes one more member of the group impacted. It fails while as many are as may
 * be, and until the group has recovered from the last.
 *
 * @param effect names whoever claims, once and for all
 */
export const claimGroup = (
  { name }: Table,
  { id, max_impacted_members }: GroupClaim,
  effect: string,
  now: string,
): Write => ({
  Update: {
    TableName: name,
    Key: keys.group(id),
    UpdateExpression: "SET kind = :kind ADD impacted :effect",
    ConditionExpression:
      "(attribute_not_exists(impacted) OR size(impacted) < :max) AND (attribute_not_exists(free_at) OR free_at <= :now)",
    ExpressionAttributeValues: {
      ":kind": "group",
      ":effect": new Set([effect]),
      ":max": max_impacted_members,
      ":now": now,
    },
  },
});

/**
 * The write by which the member is impacted no more.
 *
 * @param freeAt until when the group rests; null = no rest, or none longer than what it has. The
 *   write fails when the group rests for longer already: an end that comes late never shortens it.
 */
export const freeGroup = (
  { name }: Table,
  { id }: GroupClaim,
  effect: string,
  freeAt: string | null,
): Write => ({
  Update: {
    TableName: name,
    Key: keys.group(id),
    UpdateExpression:
      freeAt === null ? "DELETE impacted :effect" : "SET free_at = :free DELETE impacted :effect",
    ...(freeAt !== null && {
      ConditionExpression: "attribute_not_exists(free_at) OR free_at <= :free",
    }),
    ExpressionAttributeValues: {
      ":effect": new Set([effect]),
      ...(freeAt !== null && { ":free": freeAt }),
    },
  },
});
