import { usageOf } from "../room.ts";
import { isUp, type Simulation } from "../simulation.ts";
import type { Host } from "../world.ts";
import { type Ask, Refused, type Reply, type Route } from "./reply.ts";

const brief = (simulation: Simulation, host: Host) => ({
  id: host.node_id,
  hypervisor_hostname: host.name,
  state: isUp(simulation, host) ? "up" : "down",
  status: host.status,
});

/** What 2.88 took away. */
const capacity = (simulation: Simulation, host: Host) => {
  const used = usageOf(simulation.world, host);
  const guests = [...simulation.world.instances.values()].filter((one) => one.host === host.name);
  const memory_mb_used = 512 + (used["MEMORY_MB"] ?? 0);
  return {
    vcpus: host.vcpus,
    memory_mb: host.memory_mb,
    local_gb: host.disk_gb,
    vcpus_used: used["VCPU"] ?? 0,
    memory_mb_used,
    local_gb_used: used["DISK_GB"] ?? 0,
    free_ram_mb: host.memory_mb - memory_mb_used,
    free_disk_gb: host.disk_gb - (used["DISK_GB"] ?? 0),
    current_workload: 0,
    running_vms: guests.length,
    disk_available_least: 0,
    cpu_info: { arch: "x86_64", model: "Nehalem", vendor: "Intel", features: [] },
  };
};

const detail = ({ simulation, microversion }: Ask, host: Host) => ({
  ...brief(simulation, host),
  hypervisor_type: host.hypervisor_type,
  hypervisor_version: host.hypervisor_version,
  host_ip: "127.0.0.1",
  service: { id: host.service_id, host: host.name, disabled_reason: host.disabled_reason },
  ...(microversion[1] < 88 ? capacity(simulation, host) : { uptime: null }),
});

const hosts = ({ simulation }: Ask): Host[] =>
  [...simulation.world.hosts.values()].filter(
    (host) => host.has_hypervisor && !simulation.downCells.has(host.cell),
  );

const withServers = ({ simulation, query }: Ask, host: Host) => {
  if (query.get("with_servers") !== "true") return {};
  const servers = [...simulation.world.instances.values()]
    .filter((one) => one.host === host.name)
    .map((one) => ({
      name: `instance-${one.number.toString(16).padStart(8, "0")}`,
      uuid: one.id,
    }));
  return { servers };
};

const policy = "os_compute_api:os-hypervisors:list";

export const hypervisorRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/os-hypervisors$/,
    policy,
    handle: (ask): Reply => ({
      status: 200,
      body: {
        hypervisors: hosts(ask).map((host) => ({
          ...brief(ask.simulation, host),
          ...withServers(ask, host),
        })),
      },
    }),
  },
  {
    method: "GET",
    path: /^\/os-hypervisors\/detail$/,
    policy: "os_compute_api:os-hypervisors:list-detail",
    handle: (ask): Reply => ({
      status: 200,
      body: { hypervisors: hosts(ask).map((host) => detail(ask, host)) },
    }),
  },
  {
    method: "GET",
    path: /^\/os-hypervisors\/(?<id>[^/]+)$/,
    policy: "os_compute_api:os-hypervisors:show",
    handle: (ask): Reply => {
      const host = hosts(ask).find((one) => one.node_id === ask.params["id"]);
      if (!host)
        throw new Refused(404, `Hypervisor with ID '${ask.params["id"]}' could not be found.`);
      return { status: 200, body: { hypervisor: detail(ask, host) } };
    },
  },
];
