import { isUp } from "../simulation.ts";
import { type Ask, novaTime, type Reply, type Route } from "./reply.ts";

/** A cinder-volume for each backend of a host; `host=cmp-01` finds cmp-01@lvm, too. */
const services = ({ simulation, query }: Ask): Reply => {
  const { world, clock } = simulation;
  const [name, binary] = [query.get("host"), query.get("binary")];
  const found = [...world.hosts.values()]
    .flatMap((host) =>
      host.duties.volume_backends.map((backend) => ({
        binary: "cinder-volume",
        host: `${host.name}@${backend}`,
        zone: host.zone,
        status: "enabled",
        state: isUp(simulation, host) ? "up" : "down",
        updated_at: novaTime(clock.now()),
        disabled_reason: null,
      })),
    )
    .filter(({ host }) => name === null || host === name || host.startsWith(`${name}@`))
    .filter((service) => binary === null || service.binary === binary);
  return { status: 200, body: { services: found } };
};

/** Below the caller's project, as Cinder's endpoints are. */
export const blockStorageRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/[^/]+\/os-services$/,
    policy: "volume_extension:services:index",
    handle: services,
  },
];
