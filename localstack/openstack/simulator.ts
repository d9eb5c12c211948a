import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type CloudConfig, cloudConfigSchema } from "../../lib/openstack/cloud.ts";
import type { Clock } from "../clock.ts";
import { adminReply } from "./api/admin.ts";
import { type Incoming, type Outcome, openFront } from "./api/front.ts";
import { type Deed, perform } from "./deeds.ts";
import { newSimulation } from "./founding.ts";
import { type JournalEntry, OPERATOR, type Simulation } from "./simulation.ts";
import type { CloudSpec } from "./spec.ts";
import type { World } from "./world.ts";

export type Simulator = {
  /** http://127.0.0.1:<port> */
  readonly url: string;
  readonly authUrl: string;
  /** Base URL of an Alertmanager that lives by the same clock. */
  readonly alertmanagerUrl: string;
  /** As the cloud's admin. */
  readonly config: CloudConfig;
  /** As an engine that is no admin: its only role is maintenance_operator. */
  readonly operator: CloudConfig;
  /** As the member of a project, by the project's name. */
  readonly tenants: Readonly<Record<string, CloudConfig>>;
  /** Accepted calls that changed something, the oldest first. */
  readonly journal: readonly JournalEntry[];
  readonly world: World;
  /** Makes something happen behind the API's back: faults, dying hosts, strange instances. */
  readonly happen: (deed: Deed) => string | undefined;
  readonly close: () => Promise<void>;
};

export type SimulatorOptions = {
  readonly clock: Clock;
  readonly cloud: CloudSpec;
  /** 0 or absent: any free one. */
  readonly port?: number;
  readonly seed?: number;
};

/** Starts a cloud on 127.0.0.1. Its state lives as long as the process does. */
export const startSimulator = async ({
  clock,
  cloud,
  port = 0,
  seed = 1,
}: SimulatorOptions): Promise<Simulator> => {
  const simulation = newSimulation(clock, cloud, seed);
  const front = openFront(simulation, seed);
  const server = createServer((request, response) => {
    const release = clock.hold();
    response.once("close", release);
    void read(request).then(async (text) => {
      const outcome = await route(simulation, front, incomingOf(request, text)).catch(broken);
      deliver(outcome, response, clock.now());
      if (outcome === "silence") release();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : port}`;
  const { spec, world } = simulation;
  const configOf = (username: string, project_name: string) =>
    cloudConfigSchema.parse({
      auth_url: `${url}/identity`,
      region_name: spec.region,
      username,
      password: spec.password,
      project_name,
    });
  return {
    url,
    authUrl: `${url}/identity`,
    alertmanagerUrl: `${url}/alertmanager`,
    config: configOf("admin", "admin"),
    operator: configOf(OPERATOR.user, OPERATOR.project),
    tenants: Object.fromEntries(
      spec.projects.map(({ name, user }) => [name, configOf(user, name)]),
    ),
    journal: simulation.journal,
    world,
    happen: (deed) => perform(simulation, deed),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

const incomingOf = (request: IncomingMessage, text: string): Incoming => ({
  method: request.method ?? "GET",
  path: request.url ?? "/",
  header: (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  },
  text,
  base: `http://${request.headers.host}`,
});

/** A fault of the simulator itself must not pass for the cloud's. */
const broken = (error: unknown): Outcome => {
  console.error("the simulator failed:", error);
  return { status: 500, body: { error: `the simulator failed: ${String(error)}` } };
};

const ADMIN = "/_simulator";

const route = async (
  simulation: Simulation,
  { services, handle }: ReturnType<typeof openFront>,
  incoming: Incoming,
): Promise<Outcome> => {
  const below = (prefix: string): Incoming => ({
    ...incoming,
    path: incoming.path.slice(prefix.length) || "/",
  });
  if (incoming.path.startsWith(ADMIN)) return adminReply(simulation, below(ADMIN));
  const service = services.find(({ prefix }) => incoming.path.startsWith(prefix));
  if (!service) return { status: 404, body: { error: "no service answers here" } };
  return handle(service, below(service.prefix));
};

const deliver = (outcome: Outcome, response: ServerResponse, now: number): void => {
  if (outcome === "silence") return;
  if (outcome === "reset") {
    response.socket?.resetAndDestroy();
    return;
  }
  const { status, body, headers } = outcome;
  const date = new Date(now).toUTCString();
  response.writeHead(status, { Date: date, "Content-Type": "application/json", ...headers });
  response.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
};
