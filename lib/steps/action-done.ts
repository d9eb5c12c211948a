import type { DomainEvent } from "../domain/events/event.ts";
import { instanceActionDone } from "../domain/events/maintenance-scheduled.ts";
import type { Move } from "../domain/move.ts";
import { hostIdOf } from "../openstack/compute/host-id.ts";
import type { HostContext } from "./host-step.ts";

/** The word to the owner of a moved instance that it has arrived, if it was asked before. */
export const wordThatItIsDone = async (
  { asks, session, settings, now }: HostContext,
  move: Move | null,
  target: string | null,
): Promise<DomainEvent[]> => {
  if (!move?.ask_id) return [];
  const { project_id, ask_id, instance_id } = move;
  const ask = await asks.get(session.session_id, { project_id, ask_id });
  if (!ask?.expects_reply) return [];
  const hostId = target === null ? null : hostIdOf(project_id, target);
  return [
    instanceActionDone(ask, instance_id, now, { publicUrl: settings.LULL_PUBLIC_URL, hostId }),
  ];
};
