import { deleteAgent } from "../retirement.ts";
import { isUp, type Simulation } from "../simulation.ts";
import type { Agent, Instance, Port } from "../world.ts";
import { may } from "./policy.ts";
import { type Ask, Refused, type Reply, type Route } from "./reply.ts";

const visible = ({ simulation, caller }: Ask): { port: Port; owner: Instance }[] =>
  [...simulation.world.ports.values()].flatMap((port) => {
    const owner = simulation.world.instances.get(port.device_id);
    return owner && (caller.admin || owner.project_id === caller.project?.id)
      ? [{ port, owner }]
      : [];
  });

const hostOf = (port: Port): string =>
  port.bindings.find((one) => one.status === "ACTIVE")?.host ?? "";

const ports = (ask: Ask): Reply => {
  const [devices, host] = [ask.query.getAll("device_id"), ask.query.get("binding:host_id")];
  const found = visible(ask)
    .filter(({ port }) => devices.length === 0 || devices.includes(port.device_id))
    .filter(({ port }) => host === null || hostOf(port) === host)
    .map(({ port, owner }) => ({
      id: port.id,
      name: "",
      network_id: `net-${owner.project_id}`,
      project_id: owner.project_id,
      device_id: port.device_id,
      device_owner: "compute:nova",
      status: "ACTIVE",
      admin_state_up: true,
      "binding:vnic_type": port.vnic_type,
      ...(may(ask.caller, "get_port:binding:host_id") && {
        "binding:host_id": hostOf(port),
        "binding:vif_type": "ovs",
      }),
    }));
  return { status: 200, body: { ports: found } };
};

const portOf = (ask: Ask): Port => {
  const found = visible(ask).find(({ port }) => port.id === ask.params["id"]);
  if (!found) throw new Refused(404, `Port ${ask.params["id"]} could not be found.`);
  return found.port;
};

const bindings = (ask: Ask): Reply => {
  const port = portOf(ask);
  const body = {
    bindings: port.bindings.map(({ host, status }) => ({
      host,
      status,
      vif_type: "ovs",
      vif_details: {},
      vnic_type: port.vnic_type,
      profile: {},
    })),
  };
  return { status: 200, body };
};

const removeBinding = (ask: Ask): Reply => {
  const port = portOf(ask);
  const { host = "" } = ask.params;
  if (!port.bindings.some((one) => one.host === host))
    throw new Refused(404, `Binding for port ${port.id} for host ${host} could not be found.`);
  port.bindings = port.bindings.filter((one) => one.host !== host);
  return { status: 204 };
};

const isAlive = (simulation: Simulation, agent: Agent): boolean => {
  const host = simulation.world.hosts.get(agent.host);
  return agent.alive && host !== undefined && (host.power === "on" || isUp(simulation, host));
};

const agents = ({ simulation, query }: Ask): Reply => {
  const wanted = (name: string, value: string) => !query.has(name) || query.get(name) === value;
  const found = simulation.world.agents
    .filter((agent) => wanted("host", agent.host) && wanted("agent_type", agent.agent_type))
    .map((agent) => ({
      ...agent,
      topic: "N/A",
      alive: isAlive(simulation, agent),
      admin_state_up: true,
    }));
  return { status: 200, body: { agents: found } };
};

const removeAgent = ({ simulation, params }: Ask): Reply => {
  const agent = simulation.world.agents.find(({ id }) => id === params["id"]);
  if (!agent) throw new Refused(404, `Agent ${params["id"]} could not be found.`);
  deleteAgent(simulation, agent);
  return { status: 204 };
};

const PORT = "^/v2.0/ports/(?<id>[^/]+)/bindings";

export const networkRoutes: Route[] = [
  { method: "GET", path: /^\/v2\.0\/ports$/, handle: ports },
  {
    method: "GET",
    path: new RegExp(`${PORT}$`),
    policy: "get_port_binding",
    handle: bindings,
  },
  {
    method: "DELETE",
    path: new RegExp(`${PORT}/(?<host>[^/]+)$`),
    policy: "delete_port_binding",
    handle: removeBinding,
  },
  { method: "GET", path: /^\/v2\.0\/agents$/, policy: "get_agent", handle: agents },
  {
    method: "DELETE",
    path: /^\/v2\.0\/agents\/(?<id>[^/]+)$/,
    policy: "delete_agent",
    handle: removeAgent,
  },
];
