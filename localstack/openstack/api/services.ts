import * as z from "zod";
import { deleteService } from "../retirement.ts";
import { isUp, type Simulation, set } from "../simulation.ts";
import { type Host, lastBeat } from "../world.ts";
import { type Ask, bodyAs, novaTime, Refused, type Reply, type Route } from "./reply.ts";

const describe = (simulation: Simulation, host: Host) => ({
  binary: "nova-compute",
  host: host.name,
  id: host.service_id,
  zone: host.zone,
  status: host.status,
  state: isUp(simulation, host) ? "up" : "down",
  updated_at: novaTime(heartbeat(simulation, host)),
  disabled_reason: host.disabled_reason,
  forced_down: host.forced_down,
});

const heartbeat = ({ clock, spec }: Simulation, host: Host): number =>
  lastBeat(host, clock.now(), spec.timing.heartbeat_ms);

/** One of Nova's other services there; it lives as long as its host does. */
const otherService = (simulation: Simulation, host: Host, binary: string) => ({
  ...describe(simulation, host),
  binary,
  id: otherId(host, binary),
  zone: "internal",
  status: "enabled",
  disabled_reason: null,
  forced_down: false,
});

const otherId = ({ node_id }: Host, binary: string): string => `${node_id}-${binary}`;

const servicesOf = (simulation: Simulation, host: Host) => {
  const others = host.duties.compute_services.map((binary) =>
    otherService(simulation, host, binary),
  );
  if (!host.has_service) return others;
  const compute = simulation.downCells.has(host.cell)
    ? { binary: "nova-compute", host: host.name, status: "UNKNOWN" }
    : describe(simulation, host);
  return [compute, ...others];
};

const list = ({ simulation, query }: Ask): Reply => {
  const wanted = (name: string, value: string) => !query.get(name) || query.get(name) === value;
  const services = [...simulation.world.hosts.values()]
    .flatMap((host) => servicesOf(simulation, host))
    .filter(({ host, binary }) => wanted("host", host) && wanted("binary", binary));
  return { status: 200, body: { services } };
};

const hostOf = ({ simulation, params }: Ask): Host => {
  const id = params["id"] ?? "";
  const hosts = [...simulation.world.hosts.values()];
  const other = hosts
    .flatMap((host) => host.duties.compute_services.map((binary) => ({ host, binary })))
    .find(({ host, binary }) => otherId(host, binary) === id);
  if (other)
    throw new Refused(
      400,
      `Updating a ${other.binary} service is not supported. Only nova-compute services can be updated.`,
    );
  const host = hosts.find((one) => one.service_id === id && one.has_service);
  if (!host) throw new Refused(404, `Service ${id} could not be found.`);
  return host;
};

/** `finished` is not among them: it waits for its confirmation. */
const ENDED = ["completed", "confirmed", "reverted", "error", "failed", "cancelled", "done"];

const remove = (ask: Ask): Reply => {
  const { world } = ask.simulation;
  const host = hostOf(ask);
  const unable = (why: string) =>
    new Refused(409, `Unable to delete compute service that ${why} instances first.`);
  if ([...world.instances.values()].some((one) => one.host === host.name))
    throw unable("is hosting instances. Migrate or delete the");
  const rows = world.migrations.filter(({ status }) => !ENDED.includes(status));
  if (rows.some(({ source, dest }) => source === host.name || dest === host.name))
    throw unable("has in-progress migrations. Complete the migrations or delete the");
  deleteService(ask.simulation, host);
  return { status: 204 };
};

const updateSchema = z.object({
  status: z.enum(["enabled", "disabled"]).optional(),
  disabled_reason: z.string().min(1).max(255).optional(),
  forced_down: z.boolean().optional(),
});

const update = (ask: Ask): Reply => {
  const { simulation } = ask;
  const strangers = Object.keys(bodyAs(ask, z.record(z.string(), z.unknown()))).filter(
    (key) => !(key in updateSchema.shape),
  );
  if (strangers.length > 0)
    throw new Refused(
      400,
      `Additional properties are not allowed ('${strangers.join("', '")}' was unexpected)`,
    );
  const wanted = bodyAs(ask, updateSchema);
  const host = hostOf(ask);
  if (wanted.disabled_reason !== undefined && wanted.status !== "disabled")
    throw new Refused(
      400,
      "Specifying disabled_reason is only allowed when status is set to 'disabled'.",
    );
  set(simulation, host, {
    ...(wanted.status && {
      status: wanted.status,
      disabled_reason: wanted.disabled_reason ?? null,
    }),
    ...(wanted.forced_down !== undefined && { forced_down: wanted.forced_down }),
  });
  return { status: 200, body: { service: describe(simulation, host) } };
};

export const serviceRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/os-services$/,
    policy: "os_compute_api:os-services:list",
    handle: list,
  },
  {
    method: "PUT",
    path: /^\/os-services\/(?<id>[^/]+)$/,
    policy: "os_compute_api:os-services:update",
    handle: update,
  },
  {
    method: "DELETE",
    path: /^\/os-services\/(?<id>[^/]+)$/,
    policy: "os_compute_api:os-services:delete",
    handle: remove,
  },
];
