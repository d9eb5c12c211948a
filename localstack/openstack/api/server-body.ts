import { createHash } from "node:crypto";
import { isUp, type Simulation } from "../simulation.ts";
import type { Instance } from "../world.ts";
import { novaTime, zuluTime } from "./reply.ts";

/** Nova's status out of vm_state and task_state. */
export const statusOf = ({ vm_state, task_state }: Instance): string => {
  if (task_state === "migrating") return "MIGRATING";
  if (task_state === "resize_reverting") return "REVERT_RESIZE";
  if (task_state?.startsWith("resize_")) return "RESIZE";
  if (vm_state === "active" && task_state === "rebooting") return "REBOOT";
  if (vm_state === "active" && task_state === "rebooting_hard") return "HARD_REBOOT";
  return STATUS[vm_state];
};

const STATUS: Readonly<Record<Instance["vm_state"], string>> = {
  building: "BUILD",
  active: "ACTIVE",
  paused: "PAUSED",
  suspended: "SUSPENDED",
  stopped: "SHUTOFF",
  rescued: "RESCUE",
  resized: "VERIFY_RESIZE",
  shelved: "SHELVED",
  shelved_offloaded: "SHELVED_OFFLOADED",
  "soft-delete": "SOFT_DELETED",
  error: "ERROR",
  deleted: "DELETED",
};

/** A guest that was stopped before its cold migration is so afterwards, too. */
const powerOf = ({ vm_state, vm_state_before }: Instance): number =>
  POWER[vm_state === "resized" ? vm_state_before : vm_state] ?? 0;

const POWER: Readonly<Partial<Record<Instance["vm_state"], number>>> = {
  active: 1,
  rescued: 1,
  paused: 3,
  stopped: 4,
  suspended: 4,
  shelved: 4,
  shelved_offloaded: 4,
};

const hostIdOf = (instance: Pick<Instance, "project_id" | "host">): string =>
  instance.host === null
    ? ""
    : createHash("sha224")
        .update(instance.project_id + instance.host)
        .digest("hex");

/** DOWN when forced, MAINTENANCE while disabled for whatever reason, UNKNOWN with a late heartbeat. */
const hostStatus = (simulation: Simulation, name: string | null): string => {
  const host = simulation.world.hosts.get(name ?? "");
  if (!host) return "";
  if (host.forced_down) return "DOWN";
  if (host.status === "disabled") return "MAINTENANCE";
  return isUp(simulation, host) ? "UP" : "UNKNOWN";
};

export const isCellDown = ({ world, downCells }: Simulation, { host }: Instance): boolean =>
  downCells.has(world.hosts.get(host ?? "")?.cell ?? "");

export type View = {
  readonly admin: boolean;
  readonly base: string;
  readonly detail: "list" | "one";
  /** The minor microversion that was asked for. */
  readonly minor: number;
};

export const linksOf = (base: string, id: string) => [
  { rel: "self", href: `${base}/compute/v2.1/servers/${id}` },
  { rel: "bookmark", href: `${base}/compute/servers/${id}` },
];

/** What is left when the server's cell does not answer (2.69). */
export const partialServer = (instance: Instance, base: string) => ({
  id: instance.id,
  status: "UNKNOWN",
  tenant_id: instance.project_id,
  created: zuluTime(instance.created_at),
  links: linksOf(base, instance.id),
});

const imageOf = ({ image_properties }: Instance, { minor }: View) => ({
  id: "1f84cc94-2f57-4b47-9b4c-38f77d830f4f",
  ...(minor >= 98 && { properties: image_properties }),
});

export const serverBody = (simulation: Simulation, instance: Instance, view: View) => {
  const { world } = simulation;
  const host = world.hosts.get(instance.host ?? "");
  const { flavor } = instance;
  return {
    id: instance.id,
    name: instance.name,
    status: statusOf(instance),
    tenant_id: instance.project_id,
    user_id: instance.user_id,
    metadata: instance.metadata,
    hostId: hostIdOf(instance),
    image: instance.volumes.length > 0 ? "" : imageOf(instance, view),
    flavor: {
      vcpus: flavor.vcpus,
      ram: flavor.ram,
      disk: flavor.disk,
      ephemeral: 0,
      swap: 0,
      original_name: flavor.name,
      extra_specs: flavor.extra_specs,
    },
    created: zuluTime(instance.created_at),
    updated: zuluTime(instance.updated_at),
    addresses: {},
    accessIPv4: "",
    accessIPv6: "",
    links: linksOf(view.base, instance.id),
    ...(view.minor >= 96 && { pinned_availability_zone: instance.pinned_az }),
    "OS-DCF:diskConfig": "MANUAL",
    progress: 0,
    "OS-EXT-AZ:availability_zone": host?.zone ?? "",
    config_drive: "",
    key_name: null,
    "OS-SRV-USG:launched_at": novaTime(instance.created_at),
    "OS-SRV-USG:terminated_at": null,
    "OS-EXT-STS:task_state": instance.task_state,
    "OS-EXT-STS:vm_state": instance.vm_state,
    "OS-EXT-STS:power_state": powerOf(instance),
    "os-extended-volumes:volumes_attached": instance.volumes.map((id) => ({
      id,
      delete_on_termination: false,
    })),
    locked: instance.locked,
    locked_reason: null,
    description: null,
    tags: [],
    trusted_image_certificates: null,
    ...(view.detail === "one" && {
      server_groups: instance.group_id === null ? [] : [instance.group_id],
    }),
    ...(instance.vm_state === "error" && {
      fault: { code: 500, created: zuluTime(instance.updated_at), message: "The move failed" },
    }),
    ...(view.admin && {
      "OS-EXT-SRV-ATTR:host": instance.host,
      "OS-EXT-SRV-ATTR:instance_name": `instance-${instance.number.toString(16).padStart(8, "0")}`,
      "OS-EXT-SRV-ATTR:hypervisor_hostname": instance.host,
      host_status: hostStatus(simulation, instance.host),
    }),
  };
};
