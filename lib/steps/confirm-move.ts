import { secondsUntil } from "../domain/instant.ts";
import type { Intent, Move } from "../domain/move.ts";
import {
  confirmResize,
  findServer,
  revertResize,
  type Server,
} from "../openstack/compute/servers.ts";
import { isConflict, isNotFound, OpenStackError } from "../openstack/errors.ts";
import { makeEffect } from "./effect.ts";
import type { HostContext } from "./host-step.ts";
import { noteMove } from "./note-move.ts";

/** Nova's power states. */
const RUNNING = 1;
const SHUT_DOWN = 4;

const confirmation = ({ effect }: Intent): string => `confirm#${effect}`;
const reversal = ({ effect }: Intent): string => `revert#${effect}`;

/** Whether it was us who took the move back. */
export const wasReverted = (intents: readonly Intent[], move: Intent): boolean =>
  intents.some(({ effect }) => effect === reversal(move));

/**
 * Looks after a cold move that has arrived and still holds its old place. After a grace, in which
 * its owner may take it back, it is confirmed if the instance runs or is shut off as it did before,
 * and reverted if it does not. Until then its host is not empty.
 */
export const confirmMove = async (context: HostContext, intent: Intent): Promise<void> => {
  const { session, run, moves, settings, standstill, now } = context;
  const instanceId = intent.instance_id ?? "";
  const move = await moves.get(session.session_id, run.host, instanceId);
  const arrivedAt = move?.arrived_at ?? null;
  if (move === null || arrivedAt === null) {
    const details = `arrived at ${intent.target}; it is confirmed after ${settings.LULL_CONFIRM_SECONDS} s`;
    await noteMove(context, intent, { state: "moving", arrived_at: now, details });
    return;
  }
  if (standstill !== null || secondsUntil(arrivedAt, now) < settings.LULL_CONFIRM_SECONDS) return;
  const { compute } = await context.cloud();
  const server = await findServer(compute, instanceId);
  if (server?.status !== "VERIFY_RESIZE" || server.task_state !== null) return;
  const [effect, call] = isAsItWas(server, move)
    ? ([confirmation(intent), confirmResize] as const)
    : ([reversal(intent), revertResize] as const);
  await makeEffect(context, effect, (requestId) =>
    call(compute, instanceId, { requestId }).catch(fineIfDone),
  );
};

/** Moved cold are those that are shut off, and those whose owners agreed to be interrupted. */
const isAsItWas = ({ power_state }: Server, { interrupts }: Move): boolean =>
  power_state === (interrupts ? RUNNING : SHUT_DOWN);

/** Its owner, or an earlier call of ours, was faster: the migration's row tells how it ended. */
const fineIfDone = (error: unknown): void => {
  const done = error instanceof OpenStackError && error.status === 400;
  if (!done && !isConflict(error) && !isNotFound(error)) throw error;
};
