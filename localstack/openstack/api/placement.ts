import { inventoryOf, release, usageOf } from "../room.ts";
import type { Simulation } from "../simulation.ts";
import type { Host } from "../world.ts";
import { type Ask, Refused, type Reply, type Route } from "./reply.ts";

const TRAITS = ["COMPUTE_NODE", "COMPUTE_DEVICE_TAGGING", "COMPUTE_NET_ATTACH_INTERFACE"];

const traitsOf = (host: Host): string[] =>
  host.status === "disabled" ? [...TRAITS, "COMPUTE_STATUS_DISABLED"] : TRAITS;

const providerBody = (host: Host) => ({
  uuid: host.node_id,
  name: host.name,
  generation: host.generation,
  links: [{ rel: "self", href: `/resource_providers/${host.node_id}` }],
  parent_provider_uuid: null,
  root_provider_uuid: host.node_id,
});

const known = ({ world }: Simulation): Host[] =>
  [...world.hosts.values()].filter((host) => host.has_provider);

const hostOf = ({ simulation, params }: Ask): Host => {
  const host = known(simulation).find((one) => one.node_id === params["id"]);
  if (!host) throw new Refused(404, `No resource provider with uuid ${params["id"]} found`);
  return host;
};

const providers = ({ simulation, query }: Ask): Reply => {
  const [name, tree, uuid] = [query.get("name"), query.get("in_tree"), query.get("uuid")];
  const found = known(simulation)
    .filter((host) => name === null || host.name === name)
    .filter((host) => tree === null || host.node_id === tree)
    .filter((host) => uuid === null || host.node_id === uuid);
  return { status: 200, body: { resource_providers: found.map(providerBody) } };
};

const ofProvider =
  (describe: (simulation: Simulation, host: Host) => object) =>
  (ask: Ask): Reply => {
    const host = hostOf(ask);
    const body = {
      resource_provider_generation: host.generation,
      ...describe(ask.simulation, host),
    };
    return { status: 200, body };
  };

const heldOf = ({ world }: Simulation, host: Host) => ({
  allocations: Object.fromEntries(
    [...world.allocations.values()]
      .filter((held) => held.provider === host.node_id)
      .map((held) => [held.consumer, { resources: held.resources, consumer_generation: 1 }]),
  ),
});

const allocationsOf = ({ simulation, params }: Ask): Reply => {
  const held = simulation.world.allocations.get(params["id"] ?? "");
  if (!held) return { status: 200, body: { allocations: {} } };
  const { provider, resources, project_id, user_id } = held;
  const allocations = { [provider]: { resources, generation: 1 } };
  return { status: 200, body: { allocations, project_id, user_id, consumer_generation: 1 } };
};

const removeAllocations = ({ simulation, params }: Ask): Reply => {
  const id = params["id"] ?? "";
  if (!simulation.world.allocations.has(id))
    throw new Refused(404, `No allocations for consumer '${id}'`);
  release(simulation.world, id);
  return { status: 204 };
};

const summaryOf = ({ world }: Simulation, host: Host) => {
  const used = usageOf(world, host);
  return {
    resources: Object.fromEntries(
      Object.entries(inventoryOf(host)).map(([name, { total, reserved, allocation_ratio }]) => [
        name,
        { capacity: Math.floor((total - reserved) * allocation_ratio), used: used[name] ?? 0 },
      ]),
    ),
    traits: traitsOf(host),
    parent_provider_uuid: null,
    root_provider_uuid: host.node_id,
  };
};

const candidates = ({ simulation, query }: Ask): Reply => {
  const wanted = new Map(
    (query.get("resources") ?? "").split(",").map((pair) => {
      const [name = "", amount = ""] = pair.split(":");
      return [name, Number(amount)];
    }),
  );
  if ([...wanted.values()].some((amount) => !(amount > 0)))
    throw new Refused(400, `Badly formed resources parameter: ${query.get("resources")}`);
  const traits = (query.get("required") ?? "").split(",").filter((trait) => trait !== "");
  const limit = Number(query.get("limit") ?? Number.POSITIVE_INFINITY);
  const found = known(simulation)
    .map((host) => ({ host, summary: summaryOf(simulation, host) }))
    .filter(({ summary }) =>
      [...wanted].every(([name, amount]) => {
        const has = summary.resources[name];
        return has !== undefined && has.used + amount <= has.capacity;
      }),
    )
    .filter(({ summary }) =>
      traits.every((trait) =>
        trait.startsWith("!")
          ? !summary.traits.includes(trait.slice(1))
          : summary.traits.includes(trait),
      ),
    )
    .slice(0, limit);
  return {
    status: 200,
    body: {
      allocation_requests: found.map(({ host }) => ({
        allocations: { [host.node_id]: { resources: Object.fromEntries(wanted) } },
        mappings: { "": [host.node_id] },
      })),
      provider_summaries: Object.fromEntries(
        found.map(({ host, summary }) => [host.node_id, summary]),
      ),
    },
  };
};

const BELOW = "^/resource_providers/(?<id>[^/]+)";
const policy = (name: string) => `placement:${name}`;

export const placementVersionRoute: Route = {
  method: "GET",
  path: /^\/?$/,
  handle: ({ simulation }): Reply => ({
    status: 200,
    body: {
      versions: [
        {
          id: "v1.0",
          max_version: simulation.spec.placement_microversion,
          min_version: "1.0",
          status: "CURRENT",
          links: [{ rel: "self", href: "" }],
        },
      ],
    },
  }),
};

export const placementRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/resource_providers$/,
    policy: policy("resource_providers:list"),
    handle: providers,
  },
  {
    method: "GET",
    path: new RegExp(`${BELOW}/inventories$`),
    policy: policy("resource_providers:inventories:list"),
    handle: ofProvider((_, host) => ({ inventories: inventoryOf(host) })),
  },
  {
    method: "GET",
    path: new RegExp(`${BELOW}/usages$`),
    policy: policy("resource_providers:usages"),
    handle: ofProvider(({ world }, host) => ({ usages: usageOf(world, host) })),
  },
  {
    method: "GET",
    path: new RegExp(`${BELOW}/traits$`),
    policy: policy("resource_providers:traits:list"),
    handle: ofProvider((_, host) => ({ traits: traitsOf(host) })),
  },
  {
    method: "GET",
    path: new RegExp(`${BELOW}/allocations$`),
    policy: policy("resource_providers:allocations:list"),
    handle: ofProvider(heldOf),
  },
  {
    method: "GET",
    path: /^\/allocations\/(?<id>[^/]+)$/,
    policy: policy("allocations:list"),
    handle: allocationsOf,
  },
  {
    method: "DELETE",
    path: /^\/allocations\/(?<id>[^/]+)$/,
    policy: policy("allocations:delete"),
    handle: removeAllocations,
  },
  {
    method: "GET",
    path: /^\/allocation_candidates$/,
    policy: policy("allocation_candidates:list"),
    handle: candidates,
  },
];
