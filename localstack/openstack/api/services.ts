import * as z from "zod";
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

const list = ({ simulation, query }: Ask): Reply => {
  const binary = query.get("binary");
  const wanted = query.get("host");
  const hosts = binary === null || binary === "nova-compute" ? simulation.world.hosts : new Map();
  const services = [...hosts.values()]
    .filter((host: Host) => wanted === null || host.name === wanted)
    .map((host: Host) =>
      simulation.downCells.has(host.cell)
        ? { binary: "nova-compute", host: host.name, status: "UNKNOWN" }
        : describe(simulation, host),
    );
  return { status: 200, body: { services } };
};

const updateSchema = z.object({
  status: z.enum(["enabled", "disabled"]).optional(),
  disabled_reason: z.string().min(1).max(255).optional(),
  forced_down: z.boolean().optional(),
});

const update = (ask: Ask): Reply => {
  const { simulation, params } = ask;
  const strangers = Object.keys(bodyAs(ask, z.record(z.string(), z.unknown()))).filter(
    (key) => !(key in updateSchema.shape),
  );
  if (strangers.length > 0)
    throw new Refused(
      400,
      `Additional properties are not allowed ('${strangers.join("', '")}' was unexpected)`,
    );
  const wanted = bodyAs(ask, updateSchema);
  const host = [...simulation.world.hosts.values()].find((one) => one.service_id === params["id"]);
  if (!host) throw new Refused(404, `Service ${params["id"]} could not be found.`);
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
];
