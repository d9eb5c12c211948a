import { behave, Ended, type Run, wait } from "./live-run.ts";
import { allocate } from "./room.ts";
import { fits, NO_VALID_HOST, schedule } from "./scheduler.ts";
import { isUp, noteEvent } from "./simulation.ts";
import type { Host, Instance, Migration } from "./world.ts";

/** The event of an action in which a target is chosen. */
export const CONDUCTOR = "conductor_live_migrate_instance";
const PRECHECK = "compute_check_can_live_migrate_destination";

/**
 * Asks the hosts that the scheduler names, one after the other, and claims room at the first that agrees.
 *
 * @throws Ended when none does
 */
export const findTarget = async (run: Run, row: Migration, named: string | null): Promise<Host> => {
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

/** While a server moves it is accounted for twice: at the source in the migration's name. */
const claim = ({ simulation, instance, source }: Run, row: Migration, target: Host): void => {
  allocate(simulation.world, row.uuid, source, instance);
  allocate(simulation.world, instance.id, target.name, instance);
};
