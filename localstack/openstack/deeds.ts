import * as z from "zod";
import { driverFaultsSchema, requestFaultSchema } from "./faults.ts";
import {
  forget,
  freezeHost,
  killHost,
  leaveAllocation,
  leaveBinding,
  moveOn,
  type Reborn,
  setCell,
  startHost,
} from "./operator.ts";
import { addInstance, type Simulation, set } from "./simulation.ts";
import { instanceSpecSchema, VM_STATES } from "./spec.ts";

/** What can happen to a cloud behind Nova's back; one vocabulary in the process and over HTTP. */
export const deedSchema = z.discriminatedUnion("kind", [
  /** Power loss; Nova learns of it when the heartbeat is late. */
  z.object({ kind: z.literal("kill_host"), host: z.string() }),
  /** No heartbeat, while the guests run on. */
  z.object({ kind: z.literal("freeze_host"), host: z.string() }),
  /** Starts or thaws it, perhaps smaller or of another version than it was. */
  z.object({
    kind: z.literal("start_host"),
    host: z.string(),
    vcpus: z.number().optional(),
    memory_mb: z.number().optional(),
    disk_gb: z.number().optional(),
    hypervisor_version: z.number().optional(),
  }),
  z.object({ kind: z.literal("cell_down"), cell: z.string() }),
  z.object({ kind: z.literal("cell_up"), cell: z.string() }),
  /** An instance that nobody asked this cloud's API for. */
  z.object({ kind: z.literal("appear"), instance: instanceSpecSchema }),
  z.object({ kind: z.literal("vanish"), instance: z.string() }),
  z.object({
    kind: z.literal("set_instance"),
    instance: z.string(),
    vm_state: z.enum(VM_STATES).optional(),
    locked: z.boolean().optional(),
  }),
  /** Somebody has had it moved on. */
  z.object({ kind: z.literal("move_on"), instance: z.string(), host: z.string() }),
  /** Somebody enables or disables a nova-compute by hand. */
  z.object({
    kind: z.literal("set_service"),
    host: z.string(),
    status: z.enum(["enabled", "disabled"]),
    disabled_reason: z.string().nullable().default(null),
  }),
  /** Masakari recovers something in the segment, or has done so. */
  z.object({ kind: z.literal("recovering"), on: z.boolean() }),
  /** What a source that died in the middle of a move leaves at Neutron. */
  z.object({ kind: z.literal("leave_binding"), instance: z.string(), host: z.string() }),
  /** What it leaves in Placement. */
  z.object({ kind: z.literal("leave_allocation"), instance: z.string(), host: z.string() }),
  /** Adds a fault of requests, after those there are. */
  z.object({ kind: z.literal("fault"), fault: requestFaultSchema }),
  /** Replaces what the hosts' drivers do. */
  z.object({ kind: z.literal("driver"), faults: driverFaultsSchema }),
  z.object({ kind: z.literal("clear_faults") }),
]);
export type Deed = z.input<typeof deedSchema>;

/** Does it. @returns the id of what came into being, if anything did */
export const perform = (simulation: Simulation, given: Deed): string | undefined => {
  const deed = deedSchema.parse(given);
  switch (deed.kind) {
    case "kill_host":
      return done(killHost(simulation, deed.host));
    case "freeze_host":
      return done(freezeHost(simulation, deed.host));
    case "start_host":
      return done(startHost(simulation, deed.host, sizeOf(deed)));
    case "cell_down":
      return done(setCell(simulation, deed.cell, false));
    case "cell_up":
      return done(setCell(simulation, deed.cell, true));
    case "appear":
      return addInstance(simulation, deed.instance).id;
    case "vanish":
      return done(forget(simulation, deed.instance));
    case "set_instance":
      return done(setInstance(simulation, deed));
    case "move_on":
      return done(moveOn(simulation, deed.instance, deed.host));
    case "set_service":
      return done(setService(simulation, deed));
    case "recovering":
      simulation.world.monitoring.recovering = deed.on;
      return undefined;
    case "leave_binding":
      return done(leaveBinding(simulation, deed.instance, deed.host));
    case "leave_allocation":
      return leaveAllocation(simulation, deed.instance, deed.host);
    case "fault":
      return done(simulation.faults.requests.push(deed.fault));
    case "driver":
      simulation.faults.driver = deed.faults;
      return undefined;
    case "clear_faults":
      return done(clearFaults(simulation));
  }
};

const done = (_: unknown): undefined => undefined;

type Of<Kind> = Extract<z.infer<typeof deedSchema>, { kind: Kind }>;

const sizeOf = (deed: Of<"start_host">): Reborn => ({
  ...(deed.vcpus !== undefined && { vcpus: deed.vcpus }),
  ...(deed.memory_mb !== undefined && { memory_mb: deed.memory_mb }),
  ...(deed.disk_gb !== undefined && { disk_gb: deed.disk_gb }),
  ...(deed.hypervisor_version !== undefined && { hypervisor_version: deed.hypervisor_version }),
});

const setInstance = (simulation: Simulation, deed: Of<"set_instance">): void => {
  const instance = simulation.world.instances.get(deed.instance);
  if (!instance) throw new Error(`the cloud has no instance "${deed.instance}"`);
  set(simulation, instance, {
    ...(deed.vm_state !== undefined && { vm_state: deed.vm_state }),
    ...(deed.locked !== undefined && { locked: deed.locked }),
  });
};

const setService = (
  simulation: Simulation,
  { host: name, status, disabled_reason }: Of<"set_service">,
): void => {
  const host = simulation.world.hosts.get(name);
  if (!host) throw new Error(`the cloud has no host "${name}"`);
  set(simulation, host, { status, disabled_reason });
};

const clearFaults = ({ faults }: Simulation): void => {
  faults.requests.length = 0;
  faults.driver = {};
};
