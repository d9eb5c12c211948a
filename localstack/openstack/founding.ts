import type { Clock } from "../clock.ts";
import { noFaults } from "./faults.ts";
import { seededIds } from "./ids.ts";
import { addInstance, OPERATOR, ownerOf, type Simulation } from "./simulation.ts";
import { type CloudSpec, cloudSpecSchema } from "./spec.ts";
import type { Agent, Aggregate, World } from "./world.ts";

/** A cloud as its description has it at the start. */
export const newSimulation = (clock: Clock, given: CloudSpec, seed: number): Simulation => {
  const spec = cloudSpecSchema.parse(given);
  const ids = seededIds(seed);
  const admin = { id: ids.hex(), name: "admin" };
  const projects = spec.projects.map(({ name }) => ({ id: ids.hex(), name }));
  const adminUser = {
    id: ids.hex(),
    name: "admin",
    password: spec.password,
    project_id: admin.id,
    roles: ["admin", "member", "reader"],
  };
  const tenants = spec.projects.map(({ user }, index) => ({
    id: ids.hex(),
    name: user,
    password: spec.password,
    project_id: projects[index]?.id ?? "",
    roles: ["member", "reader"],
  }));
  const world: World = {
    projects: [admin, ...projects],
    users: [adminUser, ...tenants],
    flavors: spec.flavors.map((flavor) => ({ ...flavor, id: ids.uuid() })),
    groups: [],
    aggregates: [],
    agents: [],
    hosts: new Map(),
    instances: new Map(),
    migrations: [],
    ports: new Map(),
    actions: [],
    allocations: new Map(),
    used: new Map(),
    monitoring: { silences: [], alarms: [], recovering: false },
    history: [],
  };
  const simulation: Simulation = {
    clock,
    spec,
    world,
    ids,
    faults: noFaults(),
    journal: [],
    moves: new Map(),
    queues: new Map(),
    running: new Map(),
    downCells: new Set(),
    admin: { user_id: adminUser.id, project_id: admin.id },
  };
  addHosts(simulation);
  addGroups(simulation);
  for (const instance of spec.instances) addInstance(simulation, instance);
  addOperator(simulation);
  world.aggregates = aggregatesOf(simulation);
  world.agents = agentsOf(simulation);
  return simulation;
};

const addHosts = ({ clock, spec, world, ids }: Simulation): void => {
  for (const { disabled_reason, ...host } of spec.hosts)
    world.hosts.set(host.name, {
      ...host,
      has_service: true,
      has_hypervisor: true,
      has_provider: true,
      service_id: ids.uuid(),
      node_id: ids.uuid(),
      status: disabled_reason === undefined ? "enabled" : "disabled",
      disabled_reason: disabled_reason ?? null,
      power: "on",
      started_at: clock.now() - Math.floor(ids.random() * spec.timing.heartbeat_ms),
      silent_since: null,
      on_maintenance: false,
      generation: 1,
    });
};

/** The engine's user, in a project of its own. */
const addOperator = ({ world, ids, spec }: Simulation): void => {
  const project = { id: ids.hex(), name: OPERATOR.project };
  world.projects.push(project);
  world.users.push({
    id: ids.hex(),
    name: OPERATOR.user,
    password: spec.password,
    project_id: project.id,
    roles: [OPERATOR.role],
  });
};

/** One aggregate for each zone that is not Nova's default, then the declared ones. */
const aggregatesOf = ({ spec }: Simulation): Aggregate[] => {
  const zones = [...new Set(spec.hosts.map(({ zone }) => zone))].filter((zone) => zone !== "nova");
  const ofZones = zones.map((zone) => ({
    name: zone,
    hosts: spec.hosts.filter((host) => host.zone === zone).map(({ name }) => name),
    metadata: { availability_zone: zone },
  }));
  return [...ofZones, ...spec.aggregates].map((aggregate, index) => ({
    ...aggregate,
    id: index + 1,
    uuid: `00000000-0000-4000-8000-${String(index + 1).padStart(12, "0")}`,
  }));
};

const OVS = {
  agent_type: "Open vSwitch agent",
  binary: "neutron-openvswitch-agent",
  alive: true,
  configurations: {},
};

const agentsOf = ({ spec, ids }: Simulation): Agent[] =>
  spec.hosts.flatMap(({ name: host, duties }) =>
    [OVS, ...duties.agents].map((agent) => ({ ...agent, host, id: ids.uuid() })),
  );

const addGroups = ({ spec, world, ids }: Simulation): void => {
  for (const { project, max_server_per_host, ...group } of spec.groups) {
    const { project_id, user_id } = ownerOf(world, project);
    world.groups.push({ ...group, id: ids.uuid(), project_id, user_id, max_server_per_host });
  }
};
