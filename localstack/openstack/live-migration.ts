import { sleep } from "../clock.ts";
import { behaviourOf } from "./faults.ts";
import { behave, Ended, type Run, SOURCE_DIED, throwIfStopped, wait } from "./live-run.ts";
import { CONDUCTOR, findTarget } from "./live-target.ts";
import { allocate, release } from "./room.ts";
import { beginAction, noteEvent, type Requester, type Simulation, set } from "./simulation.ts";
import type { Host, Instance, Migration } from "./world.ts";

/**
 * Accepts a live migration: the server is MIGRATING at once, everything else happens later, in the
 * order in which Nova was seen to do it.
 */
export const startLiveMigration = (
  simulation: Simulation,
  instance: Instance,
  host: string | null,
  by: Requester,
): void => {
  const { host: source } = instance;
  if (source === null) return;
  set(simulation, instance, { task_state: "migrating" });
  const action = beginAction(simulation, instance, "live-migration", by);
  const move = {
    stop: new AbortController(),
    force: new AbortController(),
    prepared: false,
    committed: false,
  };
  const run = { simulation, instance, source, action, move };
  void perform(run, host, by);
};

const perform = async (run: Run, named: string | null, by: Requester): Promise<void> => {
  const { simulation, instance, source, move } = run;
  await sleep(simulation.clock, simulation.spec.timing.accept_ms);
  const row = newMigration(simulation, instance, "live-migration", source, named, by);
  simulation.moves.set(row.id, move);
  try {
    const target = await findTarget(run, row, named);
    set(simulation, row, { dest: target.name, status: "queued" });
    await takeTurn(run);
    try {
      await prepare(run, row, target);
      await transferMemory(run, row, target);
      commit(run, row, target);
      await sleep(simulation.clock, simulation.spec.timing.settle_ms);
    } finally {
      endTurn(simulation, source);
    }
    complete(run, row);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    if (move.stop.signal.reason !== SOURCE_DIED) await rollBack(run, row, error);
  } finally {
    if (move.stop.signal.reason !== SOURCE_DIED) simulation.moves.delete(row.id);
  }
};

export const newMigration = (
  { world, clock, ids }: Simulation,
  instance: Instance,
  type: Migration["type"],
  source: string,
  dest: string | null,
  by: Requester,
): Migration => {
  const row: Migration = {
    id: world.migrations.length + 1,
    uuid: ids.uuid(),
    instance_id: instance.id,
    type,
    source,
    user_id: by.user_id,
    project_id: by.project_id,
    created_at: clock.now(),
    dest,
    status: "accepted",
    updated_at: clock.now(),
    transfer: null,
  };
  world.migrations.push(row);
  return row;
};

/** A source moves so many guests at a time; the rest wait, all of them MIGRATING. */
const takeTurn = async ({ simulation, source, move }: Run): Promise<void> => {
  const { running, queues, spec } = simulation;
  if ((running.get(source) ?? 0) >= spec.concurrent_live_migrations)
    await new Promise<void>((resolve) => {
      queues.set(source, [...(queues.get(source) ?? []), resolve]);
      move.stop.signal.addEventListener("abort", () => {
        const rest = (queues.get(source) ?? []).filter((one) => one !== resolve);
        queues.set(source, rest);
        resolve();
      });
    });
  throwIfStopped(move);
  running.set(source, (running.get(source) ?? 0) + 1);
};

const endTurn = ({ running, queues }: Simulation, source: string): void => {
  running.set(source, Math.max(0, (running.get(source) ?? 0) - 1));
  const [next, ...rest] = queues.get(source) ?? [];
  queues.set(source, rest);
  next?.();
};

const PREPARE = "compute_pre_live_migration";

const prepare = async (run: Run, row: Migration, target: Host): Promise<void> => {
  const { simulation, instance, action, source, move } = run;
  set(simulation, row, { status: "preparing" });
  move.prepared = true;
  noteEvent(simulation, action, "compute_live_migration", source);
  simulation.world.ports.get(instance.id)?.bindings.push({ host: target.name, status: "INACTIVE" });
  await wait(run, simulation.spec.timing.prepare_ms);
  const { outcome } = await behave(run, "pre_migration", target.name);
  if (outcome === "fail") throw new Ended("failed", PREPARE, "the target could not be made ready");
  noteEvent(simulation, action, PREPARE, target.name, {
    tookMs: simulation.spec.timing.prepare_ms,
  });
};

const transferMemory = async (run: Run, row: Migration, target: Host): Promise<void> => {
  const { simulation, instance, source, move } = run;
  const { timing } = simulation.spec;
  const fault = behaviourOf(simulation.faults, "live_migration", instance.id, source);
  const total = instance.flavor.ram * 2 ** 20;
  const usual = (total / timing.bytes_per_second) * 1_000 + (fault.seconds ?? 0) * 1_000;
  const limit = (total / 2 ** 30) * timing.completion_ms_per_gib;
  const hangs = fault.outcome === "hang";
  const rate = hangs ? 0 : total / (usual / 1_000);
  set(simulation, row, {
    status: "running",
    transfer: { started_at: simulation.clock.now(), total, rate },
  });
  const either = AbortSignal.any([move.stop.signal, move.force.signal]);
  await sleep(simulation.clock, Math.min(hangs ? limit : usual, limit), either);
  throwIfStopped(move);
  if (move.force.signal.aborted) await wait(run, timing.stop_ms);
  else if (hangs || usual > limit) throw new Ended("cancelled", null, "live migration timed out");
  if (fault.outcome === "fail") throw new Ended("failed", null, "the transfer broke off");
  if (target.power !== "on") throw new Ended("failed", null, "the target is gone");
};

/** The guest runs on the target: the server says so at once, the row a moment later. */
const commit = (
  { simulation, instance, action, move }: Run,
  row: Migration,
  target: Host,
): void => {
  move.committed = true;
  set(simulation, row, { transfer: null });
  set(simulation, instance, { host: target.name, task_state: null });
  const port = simulation.world.ports.get(instance.id);
  if (port) port.bindings = [{ host: target.name, status: "ACTIVE" }];
  noteEvent(simulation, action, "compute_post_live_migration_at_destination", target.name);
};

const complete = ({ simulation }: Run, row: Migration): void => {
  release(simulation.world, row.uuid);
  set(simulation, row, { status: "completed" });
};

/**
 * The server is ACTIVE where it was, without a fault; only row and action tell. When the target
 * could not be made ready, the row says `error` for a while before it says `failed`.
 */
const rollBack = async (run: Run, row: Migration, why: Ended): Promise<void> => {
  const { simulation, instance, source, action, move } = run;
  release(simulation.world, row.uuid);
  if (instance.vm_state !== "deleted") allocate(simulation.world, instance.id, source, instance);
  const port = simulation.world.ports.get(instance.id);
  if (port && move.prepared)
    port.bindings = port.bindings.filter((one) => one.status === "ACTIVE" || one.host !== row.dest);
  const dest = why.event === CONDUCTOR ? null : row.dest;
  if (why.event !== null)
    noteEvent(simulation, action, why.event, row.dest, { error: why.message });
  set(simulation, instance, { task_state: null });
  const status = why.event === PREPARE ? "error" : why.status;
  set(simulation, row, { status, transfer: null, dest });
  if (status === why.status) return;
  await sleep(simulation.clock, simulation.spec.timing.stop_ms);
  set(simulation, row, { status: why.status });
};

/**
 * What nova-compute does on its start with a move that its own death cut short: the row turns
 * `error` and the server is ACTIVE at the source. The migration's allocation and the target's
 * port binding stay behind.
 */
export const recoverAtSource = (simulation: Simulation, host: string): void => {
  for (const row of simulation.world.migrations) {
    const move = simulation.moves.get(row.id);
    if (row.source !== host || move?.stop.signal.reason !== SOURCE_DIED) continue;
    simulation.moves.delete(row.id);
    const instance = simulation.world.instances.get(row.instance_id);
    set(simulation, row, { status: "error", transfer: null });
    if (!instance || instance.vm_state === "deleted") continue;
    allocate(simulation.world, instance.id, host, instance);
    set(simulation, instance, { task_state: null });
  }
};
