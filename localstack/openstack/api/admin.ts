import { deedSchema, perform } from "../deeds.ts";
import type { Simulation } from "../simulation.ts";
import type { Incoming } from "./front.ts";
import type { Reply } from "./reply.ts";
import { statusOf } from "./server-body.ts";

/** The whole world as JSON: what an invariant checker in another process reads. */
const snapshot = ({ clock, world, downCells, faults }: Simulation) => ({
  now: clock.now(),
  projects: world.projects,
  groups: world.groups,
  hosts: [...world.hosts.values()],
  instances: [...world.instances.values()].map((one) => ({ ...one, status: statusOf(one) })),
  migrations: world.migrations,
  allocations: [...world.allocations.values()],
  ports: [...world.ports.values()],
  monitoring: world.monitoring,
  down_cells: [...downCells],
  faults,
  changes: world.history.length,
});

/**
 * GET world, journal?from=n, history?from=n, faults; POST deeds (one deed or a list of them).
 * For whoever runs the simulator in a process of its own.
 */
export const adminReply = (simulation: Simulation, { method, path, text }: Incoming): Reply => {
  const url = new URL(`http://cloud${path}`);
  const from = Number(url.searchParams.get("from") ?? 0);
  switch (`${method} ${url.pathname}`) {
    case "GET /world":
      return { status: 200, body: snapshot(simulation) };
    case "GET /journal":
      return { status: 200, body: { journal: simulation.journal.slice(from) } };
    case "GET /history":
      return { status: 200, body: { history: simulation.world.history.slice(from) } };
    case "GET /faults":
      return { status: 200, body: simulation.faults };
    case "POST /deeds":
      return deeds(simulation, text);
    default:
      return { status: 404, body: { error: `the simulator has no ${method} ${url.pathname}` } };
  }
};

const deeds = (simulation: Simulation, text: string): Reply => {
  try {
    const given: unknown = JSON.parse(text);
    const wanted = (Array.isArray(given) ? given : [given]).map((one) => deedSchema.parse(one));
    return { status: 200, body: { ids: wanted.map((deed) => perform(simulation, deed) ?? null) } };
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
};
