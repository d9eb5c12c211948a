import type { Intent } from "./move.ts";

/**
 * The key of a server's metadata under which its owner finds the status page of the maintenance. An
 * owner can write it as well, so nothing is ever decided by what stands there.
 */
export const STATUS_KEY = "maintenance:status_url";

const LINK = "status_link";
const UNLINK = "status_unlink";

type Made = Pick<Intent, "effect" | "instance_id" | "outcome">;

/** The effect that writes the link: once for an instance in each run of its host. */
export const linkEffect = (instanceId: string): string => `${LINK}#${instanceId}`;

/** Whether it is known how the writing of the link ended. */
export const isLinkSettled = (made: readonly Made[], instanceId: string): boolean =>
  made.some(({ effect, outcome }) => effect === linkEffect(instanceId) && outcome !== null);

/** Links and their removals of which nobody has heard how they ended. */
export const unsettledLinks = (made: readonly Made[]): string[] =>
  made.flatMap(({ effect, outcome }) => {
    const isLink = effect.startsWith(`${LINK}#`) || effect.startsWith(`${UNLINK}#`);
    return isLink && outcome === null ? [effect] : [];
  });

/** Instances that may have the link of this run: also when nobody heard how its writing ended. */
export const linkedIn = (made: readonly Made[]): string[] =>
  made.flatMap(({ effect, instance_id, outcome }) =>
    effect.startsWith(`${LINK}#`) && (outcome === null || outcome === "done")
      ? (instance_id ?? [])
      : [],
  );

/**
 * The effect that takes the link away again; null when none is due. What Nova refuses once it may
 * grant later, when the instance is in another state.
 *
 * @param tries how often it may be refused
 */
export const unlinkEffect = (
  made: readonly Made[],
  instanceId: string,
  tries: number,
): string | null => {
  const name = `${UNLINK}#${instanceId}#`;
  const before = made.filter(({ effect }) => effect.startsWith(name));
  const open = before.find(({ outcome }) => outcome === null);
  if (open !== undefined) return open.effect;
  const isAway = before.some(({ outcome }) => outcome === "done" || outcome === "gone");
  if (isAway || before.length >= tries) return null;
  return name + String(before.length + 1).padStart(3, "0");
};
