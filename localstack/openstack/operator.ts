import { recoverAtSource } from "./live-migration.ts";
import { SOURCE_DIED, TARGET_DIED } from "./live-run.ts";
import { register } from "./retirement.ts";
import { allocate, hold, release } from "./room.ts";
import { type Simulation, set } from "./simulation.ts";
import { type Host, lastBeat } from "./world.ts";

const hostOf = ({ world }: Simulation, name: string): Host => {
  const host = world.hosts.get(name);
  if (!host) throw new Error(`the cloud has no host "${name}"`);
  return host;
};

/** Power loss. Nova learns of it when the heartbeat is late. */
export const killHost = (simulation: Simulation, name: string): void => {
  const host = hostOf(simulation, name);
  silence(simulation, host, "off");
  for (const row of simulation.world.migrations) {
    const move = simulation.moves.get(row.id);
    if (!move || move.committed) continue;
    if (row.source === name) move.stop.abort(SOURCE_DIED);
    else if (row.dest === name && row.status === "running") move.stop.abort(TARGET_DIED);
  }
};

/** A hang: no heartbeat, and guests that run on. */
export const freezeHost = (simulation: Simulation, name: string): void =>
  silence(simulation, hostOf(simulation, name), "frozen");

const silence = (simulation: Simulation, host: Host, power: "off" | "frozen"): void => {
  const { clock, spec } = simulation;
  const silent_since = lastBeat(host, clock.now(), spec.timing.heartbeat_ms);
  set(simulation, host, { power, silent_since });
};

export type Reborn = Partial<Pick<Host, "vcpus" | "memory_mb" | "disk_gb" | "hypervisor_version">>;

/** Starts a dead host or thaws a frozen one, perhaps not as large or as new as it was. */
export const startHost = (simulation: Simulation, name: string, as: Reborn = {}): void => {
  const host = hostOf(simulation, name);
  host.generation += 1;
  set(simulation, host, {
    ...as,
    power: "on",
    silent_since: null,
    started_at: simulation.clock.now(),
  });
  register(simulation, host);
  recoverAtSource(simulation, name);
};

/** A cell's database goes away or comes back. */
export const setCell = (simulation: Simulation, cell: string, reachable: boolean): void => {
  if (reachable) simulation.downCells.delete(cell);
  else simulation.downCells.add(cell);
};

/** Deletes an instance with all it holds. */
export const forget = (simulation: Simulation, id: string): void => {
  const { world } = simulation;
  const instance = world.instances.get(id);
  if (!instance) return;
  set(simulation, instance, { vm_state: "deleted", task_state: null, host: null });
  for (const row of world.migrations.filter((one) => one.instance_id === id)) {
    simulation.moves.get(row.id)?.stop.abort("deleted");
    if (row.status !== "finished") continue;
    release(world, row.uuid);
    set(simulation, row, { status: "confirmed" });
  }
  world.ports.delete(id);
  release(world, id);
};

/** Somebody has had an instance moved on to another host; only where it is now can be seen. */
export const moveOn = (simulation: Simulation, id: string, host: string): void => {
  const { world } = simulation;
  const instance = world.instances.get(id);
  if (!instance) throw new Error(`the cloud has no instance "${id}"`);
  set(simulation, instance, { host: hostOf(simulation, host).name });
  const port = world.ports.get(id);
  if (port) port.bindings = [{ host, status: "ACTIVE" }];
  allocate(world, id, host, instance);
};

/** What a source that died in the middle of a move leaves at Neutron. */
export const leaveBinding = ({ world }: Simulation, id: string, host: string): void => {
  world.ports.get(id)?.bindings.push({ host, status: "INACTIVE" });
};

/** What it leaves in Placement: the instance's resources under a migration's id. */
export const leaveAllocation = (
  { world, ids }: Simulation,
  id: string,
  host: string,
): string | undefined => {
  const held = world.allocations.get(id);
  const provider = world.hosts.get(host)?.node_id;
  if (!held || !provider) return undefined;
  const consumer = ids.uuid();
  hold(world, { ...held, consumer, provider });
  return consumer;
};
