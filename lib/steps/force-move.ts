import { statedInterruption } from "../domain/constraints.ts";
import { FrozenError } from "../domain/errors.ts";
import { forcedSince, forceEffect, forcesOf } from "../domain/forcing.ts";
import type { Intent } from "../domain/move.ts";
import { logger } from "../lambda/logger.ts";
import { forceComplete, type ServerMigration } from "../openstack/compute/migrations.ts";
import { OpenStackError } from "../openstack/errors.ts";
import { onHost } from "./effect.ts";
import type { HostContext } from "./host-step.ts";
import type { Round } from "./judge-moves.ts";

/** Whether session and owner let the move be forced now, and whether it has been. */
export const licenceFor = async (
  { session, constraints }: HostContext,
  { intents, servers, stopping }: Round,
  move: Intent,
  isAborted: boolean,
) => {
  const id = move.instance_id ?? "";
  const server = servers.find((one) => one.id === id);
  const said = session.force_complete ? await constraints.instances.getMany([id]) : new Map();
  return {
    isAllowed: session.force_complete && !stopping && !isAborted,
    most: statedInterruption(said.get(id), server?.project_id ?? null),
    forcedAt: forcedSince(intents, move),
    isSpent: forcesOf(intents, id).length > 0,
  };
};

/**
 * Forces a move to its end, once. One of which nobody heard whether Nova took it counts as forced.
 *
 * @returns false when Nova refused
 * @throws FrozenError when nothing may be done to the cloud now
 */
export const forceMove = async (
  context: HostContext,
  move: Intent,
  { id }: Pick<ServerMigration, "id">,
): Promise<boolean> => {
  const { intents, ref, session, now } = context;
  const { instance_id } = move;
  const intent = { ...onHost(forceEffect(move), now), instance_id };
  const begun = await intents.begin(ref, session.session_id, intent);
  if (begun === "frozen") throw new FrozenError("no move is forced: all is frozen");
  if (begun !== "begun") return true;
  const { compute } = await context.cloud();
  const { request_id: requestId } = intent;
  const refusal = await forceComplete(compute, instance_id ?? "", id, { requestId }).then(
    () => null,
    refusalIn,
  );
  if (refusal !== null) logger.warn("force_complete", { ...ref, instance_id, error: refusal });
  const outcome = refusal === null ? "done" : "refused";
  await intents.finish(ref, intent, outcome, now, refusal?.message ?? null);
  return refusal === null;
};

/**
 * Settles what was begun in an earlier round and is not known to have ended: its answer was lost, and
 * it is never called again.
 */
export const settleLostForces = async (
  { intents, ref, now }: Pick<HostContext, "intents" | "ref" | "now">,
  made: readonly Intent[],
): Promise<void> => {
  for (const intent of made)
    if (intent.outcome === null && forcesOf([intent], intent.instance_id ?? "").length > 0)
      await intents.finish(ref, intent, "failed", now, "nobody heard whether Nova took it");
};

const UNAUTHORIZED = 401;

/** What Nova says about this one move, which is aborted then. @throws what says nothing about it */
const refusalIn = (error: unknown): OpenStackError => {
  if (error instanceof OpenStackError && error.status !== UNAUTHORIZED) return error;
  throw error;
};
