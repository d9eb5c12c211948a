import { sleep } from "../clock.ts";
import { behaviourOf, type Operation } from "./faults.ts";
import { allocate, release } from "./room.ts";
import { fits, NO_VALID_HOST, schedule } from "./scheduler.ts";
import {
  beginAction,
  isUp,
  type Move,
  noteEvent,
  type Requester,
  type Simulation,
  set,
} from "./simulation.ts";
import type { Action, Host, Instance, Migration } from "./world.ts";

/** Why a live migration ended before its time, as its row and its action tell. */
class Ended extends Error {
  readonly status: string;
  readonly event: string | null;

  /** @param event the action's event that failed; null for failures that no event tells of */
  constructor(status: string, event: string | null, details: string) {
    super(details);
    this.status = status;
    this.event = event;
  }
}

type Run = {
  readonly simulation: Simulation;
  readonly instance: Instance;
  readonly source: string;
  readonly action: Action;
  readonly move: Move;
};

/** What a source that died in the middle leaves as the reason of `move.stop`. */
export const SOURCE_DIED = "source died";
export const TARGET_DIED = "target died";

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

/** Sleeps, but not beyond an abort or the death of one of the two hosts. */
const wait = async ({ simulation, move, instance }: Run, ms: number): Promise<void> => {
  await sleep(simulation.clock, ms, move.stop.signal);
  throwIfStopped(move);
  if (instance.vm_state === "deleted") throw new Ended("error", null, "the instance is gone");
};

const throwIfStopped = ({ stop }: Move): void => {
  if (!stop.signal.aborted) return;
  const died = stop.signal.reason === TARGET_DIED;
  throw died
    ? new Ended("failed", null, "the connection to the target broke")
    : new Ended("cancelled", null, "aborted");
};

const CONDUCTOR = "conductor_live_migrate_instance";
const PRECHECK = "compute_check_can_live_migrate_destination";
const PREPARE = "compute_pre_live_migration";

const findTarget = async (run: Run, row: Migration, named: string | null): Promise<Host> => {
  const { simulation, instance, source, action } = run;
  const { timing } = simulation.spec;
  await wait(run, timing.schedule_ms);
  const from = simulation.world.hosts.get(source);
  if (!from || !isUp(simulation, from))
    throw new Ended(
      "error",
      CONDUCTOR,
      `Compute service of ${source} is unavailable at this time.`,
    );
  if (from.power !== "on") await wait(run, timing.rpc_timeout_ms);
  // Others may have been placed while a target was being asked.
  for (const target of schedule(simulation, instance, named, source))
    if ((await agrees(run, from, target)) && fits(simulation, instance)(target)) {
      noteEvent(simulation, action, CONDUCTOR, null);
      claim(run, row, target);
      return target;
    }
  throw new Ended("error", CONDUCTOR, NO_VALID_HOST);
};

/** The target's own check, which a host that is dead without Nova's knowledge cannot make. */
const agrees = async (run: Run, from: Host, target: Host): Promise<boolean> => {
  const { simulation, action, instance } = run;
  if (target.power !== "on") {
    await wait(run, simulation.spec.timing.rpc_timeout_ms);
    return false;
  }
  const { outcome } = await behave(run, "precheck", target.name);
  const stale = simulation.world.ports
    .get(instance.id)
    ?.bindings.some((one) => one.host === target.name && one.status === "INACTIVE");
  const refusal =
    (outcome === "fail" && "Migration pre-check error: refused by the hypervisor") ||
    tiedToDevice(instance) ||
    (target.hypervisor_version < from.hypervisor_version &&
      "The instance requires a newer hypervisor version than has been provided.") ||
    (stale && `Binding for port on host ${target.name} already exists`);
  if (!refusal) {
    noteEvent(simulation, action, PRECHECK, target.name);
    return true;
  }
  noteEvent(simulation, action, PRECHECK, target.name, { error: refusal });
  return false;
};

/** Of the devices a guest may have, only those of its ports can be replaced under way. */
const tiedToDevice = ({ flavor }: Instance): string | false =>
  "pci_passthrough:alias" in flavor.extra_specs &&
  "Migration pre-check error: non-VIF related PCI requests for instance are not allowed for live migration.";

const behave = async (run: Run, operation: Operation, host: string) => {
  const { simulation, instance } = run;
  const behaviour = behaviourOf(simulation.faults, operation, instance.id, host);
  if (behaviour.seconds) await wait(run, behaviour.seconds * 1_000);
  return behaviour;
};

/** While a server moves it is accounted for twice: at the source in the migration's name. */
const claim = ({ simulation, instance, source }: Run, row: Migration, target: Host): void => {
  allocate(simulation.world, row.uuid, source, instance);
  allocate(simulation.world, instance.id, target.name, instance);
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
