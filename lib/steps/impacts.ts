import { randomUUID } from "node:crypto";
import { FrozenError } from "../domain/errors.ts";
import { type GroupClaim, type Intent, impactEffect, isImpact } from "../domain/move.ts";
import type { HostContext } from "./host-step.ts";

type Open = Pick<HostContext, "intents" | "ref" | "session" | "now">;

/**
 * Counts the instance among the impacted members of its groups, from the moment its owner is asked
 * until `endImpacts`.
 *
 * @returns false while one of its groups has as many impacted members as it can bear
 * @throws FrozenError when nothing may be begun now
 */
export const beginImpact = async (
  { intents, ref, session, now }: Open,
  instanceId: string,
  groups: readonly GroupClaim[],
  known: readonly Intent[],
): Promise<boolean> => {
  if (groups.length === 0 || impactOn(known, instanceId) !== undefined) return true;
  const before = known.filter((one) => isImpact(one) && one.instance_id === instanceId).length;
  const begun = await intents.begin(ref, session.session_id, {
    effect: impactEffect(instanceId, before + 1),
    request_id: `req-${randomUUID()}`,
    at: now,
    instance_id: instanceId,
    target: null,
    target_device_id: null,
    newest_migration: 0,
    groups: [...groups],
  });
  if (begun === "frozen") throw new FrozenError("no owner is asked: all is frozen");
  return begun === "begun" || begun === "exists";
};

/** The impact on the instance that lasts, if one does. */
export const impactOn = (intents: readonly Intent[], instanceId: string): Intent | undefined =>
  intents.find((one) => isImpact(one) && one.instance_id === instanceId && one.outcome === null);

/**
 * Ends impacts: a group rests for its recovery time after a member has moved, and not after one
 * that was left alone.
 */
export const endImpacts = async (
  { intents, ref, now }: Pick<HostContext, "intents" | "ref" | "now">,
  ending: readonly Intent[],
  outcome: "done" | "refused",
): Promise<void> => {
  for (const impact of ending)
    if (isImpact(impact) && impact.outcome === null)
      await intents.finish(ref, impact, outcome, now);
};
