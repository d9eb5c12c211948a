import type { Simulation } from "../simulation.ts";
import type { Group } from "../world.ts";
import type { Ask, Reply, Route } from "./reply.ts";

const version = ({ simulation, base }: Ask): Reply => ({
  status: 200,
  body: {
    version: {
      id: "v2.1",
      status: "CURRENT",
      version: simulation.spec.nova_microversion,
      min_version: "2.1",
      updated: "2013-07-23T11:33:21Z",
      links: [{ rel: "self", href: `${base}/compute/v2.1/` }],
    },
  },
});

const groupBody = ({ world }: Simulation, group: Group) => ({
  id: group.id,
  name: group.name,
  policy: group.policy,
  rules:
    group.max_server_per_host === undefined
      ? {}
      : { max_server_per_host: group.max_server_per_host },
  members: [...world.instances.values()]
    .filter((one) => one.group_id === group.id && one.vm_state !== "deleted")
    .map((one) => one.id),
  project_id: group.project_id,
  user_id: group.user_id,
});

const groups = ({ simulation, caller, query }: Ask): Reply => {
  const everyone = caller.admin && query.has("all_projects");
  const offset = Number(query.get("offset") ?? 0);
  const server_groups = simulation.world.groups
    .filter((group) => everyone || group.project_id === caller.project?.id)
    .slice(offset, offset + 1_000)
    .map((group) => groupBody(simulation, group));
  return { status: 200, body: { server_groups } };
};

const flavors = ({ simulation }: Ask): Reply => ({
  status: 200,
  body: {
    flavors: simulation.world.flavors.map(({ id, name, ram, disk, vcpus, extra_specs }) => ({
      id,
      name,
      ram,
      disk,
      swap: 0,
      "OS-FLV-EXT-DATA:ephemeral": 0,
      "OS-FLV-DISABLED:disabled": false,
      vcpus,
      "os-flavor-access:is_public": true,
      rxtx_factor: 1,
      links: [],
      description: null,
      extra_specs,
    })),
  },
});

/** The root tells its version to everyone, with or without a token. */
export const computeVersionRoute: Route = { method: "GET", path: /^\/?$/, handle: version };

export const computeListRoutes: Route[] = [
  { method: "GET", path: /^\/os-server-groups$/, handle: groups },
  { method: "GET", path: /^\/flavors\/detail$/, handle: flavors },
];
