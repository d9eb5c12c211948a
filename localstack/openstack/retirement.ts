import { type Simulation, set } from "./simulation.ts";
import type { Agent, Host } from "./world.ts";

/**
 * Deletes the record of a host's nova-compute with all that Nova keeps of the host. Placement keeps
 * a provider of which something is allocated. A nova-compute that still runs does not notice; with
 * its next report of resources hypervisor and provider are back, and the service itself when it is
 * started anew.
 */
export const deleteService = (simulation: Simulation, host: Host): void => {
  const { world, clock, spec } = simulation;
  for (const { id } of world.aggregates) removeFromAggregate(simulation, id, host);
  const isHeld = [...world.allocations.values()].some(({ provider }) => provider === host.node_id);
  set(simulation, host, {
    has_service: false,
    has_hypervisor: false,
    has_provider: isHeld,
    status: "enabled",
    disabled_reason: null,
    forced_down: false,
  });
  clock.at(clock.now() + spec.timing.resources_ms, () => {
    if (host.power === "on") set(simulation, host, { has_hypervisor: true, has_provider: true });
  });
};

/** What a nova-compute does on its start, if it is not known: it comes as a new, enabled service. */
export const register = (simulation: Simulation, host: Host): void => {
  if (host.has_service) return;
  set(simulation, host, {
    service_id: simulation.ids.uuid(),
    has_service: true,
    has_hypervisor: true,
    has_provider: true,
  });
};

/** A host in no aggregate that is a zone is in Nova's default zone. */
export const removeFromAggregate = (simulation: Simulation, id: number, host: Host): void => {
  const { world } = simulation;
  world.aggregates = world.aggregates.map((one) =>
    one.id === id ? { ...one, hosts: one.hosts.filter((name) => name !== host.name) } : one,
  );
  const zones = world.aggregates.filter(({ hosts }) => hosts.includes(host.name));
  const zone = zones.map(({ metadata }) => metadata["availability_zone"]).find(Boolean) ?? "nova";
  set(simulation, host, { zone });
};

/** One that still runs reports itself anew, under another id. */
export const deleteAgent = (simulation: Simulation, agent: Agent): void => {
  const { world, clock, spec, ids } = simulation;
  world.agents = world.agents.filter(({ id }) => id !== agent.id);
  clock.at(clock.now() + spec.timing.heartbeat_ms, () => {
    const runs = agent.alive && world.hosts.get(agent.host)?.power === "on";
    if (runs) world.agents = [...world.agents, { ...agent, id: ids.uuid() }];
  });
};
