import { sleep } from "../clock.ts";
import { release } from "./room.ts";
import { beginAction, noteEvent, type Requester, type Simulation, set } from "./simulation.ts";
import type { VmState } from "./spec.ts";
import type { Instance } from "./world.ts";

/** A change of a guest that takes its host a while. */
export type Transition = {
  /** As the instance action is called. */
  readonly action: string;
  readonly task_state: string;
  readonly vm_state: VmState;
  readonly ms: number;
};

/**
 * The task shows at once, the new state when the host is done. A host that is dead never is: the
 * task stays, as Nova leaves it.
 */
export const begin = (
  simulation: Simulation,
  instance: Instance,
  { action, task_state, vm_state, ms }: Transition,
  by: Requester,
): void => {
  set(simulation, instance, { task_state });
  const begun = beginAction(simulation, instance, action, by);
  void sleep(simulation.clock, ms).then(() => {
    const host = simulation.world.hosts.get(instance.host ?? "");
    if (host?.power !== "on" || instance.task_state !== task_state) return;
    noteEvent(simulation, begun, `compute_${snake(action)}_instance`, host.name, { tookMs: ms });
    if (vm_state === "shelved_offloaded") offload(simulation, instance);
    else set(simulation, instance, { vm_state, task_state: null });
  });
};

/**
 * It holds nothing on its host any more, and then belongs to none: as Nova does it, it is at rest in
 * its new state a while before its host is taken from it (nova/compute/manager.py,
 * _shelve_offload_instance).
 */
const offload = (simulation: Simulation, instance: Instance): void => {
  const { world, spec, clock } = simulation;
  release(world, instance.id);
  const port = world.ports.get(instance.id);
  if (port) port.bindings = [];
  set(simulation, instance, { vm_state: "shelved_offloaded", task_state: null });
  void sleep(clock, spec.timing.forget_host_ms).then(() => {
    if (instance.vm_state === "shelved_offloaded") set(simulation, instance, { host: null });
  });
};

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
