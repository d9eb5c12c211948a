import { sleep } from "../clock.ts";
import { behaviourOf } from "./faults.ts";
import { newMigration } from "./live-migration.ts";
import { allocate, release } from "./room.ts";
import { NO_VALID_HOST, schedule } from "./scheduler.ts";
import { beginAction, noteEvent, type Requester, type Simulation, set } from "./simulation.ts";
import type { Action, Host, Instance, Migration } from "./world.ts";

/**
 * Accepts a cold migration: the guest is stopped, copied and, on the target, waits to be confirmed.
 * One that was stopped before stays so. A target that dies before it has begun leaves the server in
 * its task.
 */
export const startColdMigration = (
  simulation: Simulation,
  instance: Instance,
  host: string | null,
  by: Requester,
): void => {
  const source = instance.host;
  if (source === null) return;
  const before = instance.vm_state;
  set(simulation, instance, { task_state: "resize_prep", vm_state_before: before });
  const action = beginAction(simulation, instance, "migrate", by);
  const row = newMigration(simulation, instance, "migration", source, host, by);
  set(simulation, row, { status: "pre-migrating" });
  void perform(simulation, instance, action, row);
};

const perform = async (
  simulation: Simulation,
  instance: Instance,
  action: Action,
  row: Migration,
): Promise<void> => {
  const { timing } = simulation.spec;
  await sleep(simulation.clock, timing.schedule_ms);
  if (instance.vm_state === "deleted") return set(simulation, row, { status: "error" });
  const [target] = schedule(simulation, instance, row.dest, row.source).filter(
    (host) => host.power === "on",
  );
  if (!target) {
    noteEvent(simulation, action, "conductor_migrate_server", null, { error: NO_VALID_HOST });
    set(simulation, row, { status: "error" });
    set(simulation, instance, { task_state: null });
    return;
  }
  await carryOver(simulation, { instance, action, row, target });
};

type Carrying = {
  readonly instance: Instance;
  readonly action: Action;
  readonly row: Migration;
  readonly target: Host;
};

const carryOver = async (
  simulation: Simulation,
  { instance, action, row, target }: Carrying,
): Promise<void> => {
  const { world, clock, spec } = simulation;
  allocate(world, row.uuid, row.source, instance);
  allocate(world, instance.id, target.name, instance);
  set(simulation, row, { dest: target.name, status: "migrating" });
  set(simulation, instance, { task_state: "resize_migrating" });
  const fault = behaviourOf(simulation.faults, "finish_migration", instance.id, target.name);
  await sleep(clock, spec.timing.cold_ms + (fault.seconds ?? 0) * 1_000);
  if (isGone(instance)) {
    release(world, row.uuid);
    return set(simulation, row, { status: "error" });
  }
  set(simulation, row, { status: "post-migrating" });
  set(simulation, instance, { host: target.name, task_state: "resize_finish" });
  bindTo(simulation, instance, target.name);
  await sleep(clock, spec.timing.prepare_ms);
  if (isGone(instance) || target.power !== "on") return;
  if (fault.outcome === "fail") {
    const error = "the target could not start the guest";
    noteEvent(simulation, action, "compute_finish_resize", target.name, { error });
    set(simulation, row, { status: "error" });
    set(simulation, instance, { vm_state: "error", task_state: null });
    release(world, row.uuid);
    return;
  }
  noteEvent(simulation, action, "compute_finish_resize", target.name);
  set(simulation, row, { status: "finished" });
  set(simulation, instance, { vm_state: "resized", task_state: null });
};

const isGone = ({ vm_state }: Instance): boolean => vm_state === "deleted";

const bindTo = ({ world }: Simulation, { id }: Instance, host: string): void => {
  const port = world.ports.get(id);
  if (port) port.bindings = [{ host, status: "ACTIVE" }];
};

/** The migration that waits for its confirmation, if there is one. */
export const finishedMigration = (
  { world }: Simulation,
  instance: Instance,
): Migration | undefined =>
  world.migrations.findLast((row) => row.instance_id === instance.id && row.status === "finished");

/** Frees the source, a moment after the answer. */
export const confirm = (simulation: Simulation, instance: Instance, by: Requester): void => {
  const row = finishedMigration(simulation, instance);
  if (!row) return;
  beginAction(simulation, instance, "confirmResize", by);
  set(simulation, row, { status: "confirming" });
  void sleep(simulation.clock, simulation.spec.timing.confirm_ms).then(() => {
    release(simulation.world, row.uuid);
    set(simulation, row, { status: "confirmed" });
    if (!isGone(instance)) set(simulation, instance, { vm_state: instance.vm_state_before });
  });
};

/** Brings the guest back to its source. */
export const revert = (simulation: Simulation, instance: Instance, by: Requester): void => {
  const row = finishedMigration(simulation, instance);
  if (!row) return;
  beginAction(simulation, instance, "revertResize", by);
  set(simulation, row, { status: "reverting" });
  set(simulation, instance, { task_state: "resize_reverting" });
  void sleep(simulation.clock, simulation.spec.timing.cold_ms).then(() => {
    release(simulation.world, row.uuid);
    set(simulation, row, { status: "reverted" });
    if (isGone(instance)) return;
    allocate(simulation.world, instance.id, row.source, instance);
    bindTo(simulation, instance, row.source);
    set(simulation, instance, {
      host: row.source,
      vm_state: instance.vm_state_before,
      task_state: null,
    });
  });
};
