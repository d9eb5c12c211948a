import type { Requester } from "../simulation.ts";
import type { Instance } from "../world.ts";
import { type Ask, Refused, type Reply } from "./reply.ts";

/** One action of POST /servers/{id}/action, with what its name was given. */
export type Act = (ask: Ask, instance: Instance, argument: unknown) => Reply;

export const requester = ({ caller, requestId }: Ask): Requester => ({
  user_id: caller.user.id,
  project_id: caller.project?.id ?? "",
  request_id: requestId,
});

/** @throws Refused 409 by the vm_state, else by the task_state, in Nova's order */
export const requireState = (
  name: string,
  instance: Instance,
  allowed: readonly string[],
  tasks: readonly (string | null)[] = [null],
): void => {
  const cannot = `Cannot '${name}' instance ${instance.id} while it is in`;
  if (!allowed.includes(instance.vm_state))
    throw new Refused(409, `${cannot} vm_state ${instance.vm_state}`);
  if (!tasks.includes(instance.task_state))
    throw new Refused(409, `${cannot} task_state ${instance.task_state}`);
};

/** A lock binds everyone but those whom Nova's own code takes for admins; policies do not matter. */
export const requireUnlocked = ({ caller }: Ask, instance: Instance): void => {
  if (instance.locked && !caller.admin) throw new Refused(409, `Instance ${instance.id} is locked`);
};
