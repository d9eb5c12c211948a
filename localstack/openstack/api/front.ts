import { sleep } from "../../clock.ts";
import type { Effect } from "../faults.ts";
import { faultFor } from "../faults.ts";
import { seededIds } from "../ids.ts";
import type { Simulation } from "../simulation.ts";
import { aggregateRoutes } from "./aggregates.ts";
import { alarmingRoutes } from "./alarming.ts";
import { alertmanagerRoutes } from "./alertmanager.ts";
import { blockStorageRoutes } from "./block-storage.ts";
import { computeListRoutes, computeVersionRoute } from "./compute-lists.ts";
import { refusalBody, type ServiceName } from "./errors.ts";
import { hypervisorRoutes } from "./hypervisors.ts";
import { identityRoutes, type Tokens } from "./identity.ts";
import { instanceActionRoutes } from "./instance-actions.ts";
import { instanceHaRoutes } from "./instance-ha.ts";
import { migrationRoutes } from "./migrations.ts";
import { networkRoutes } from "./network.ts";
import { placementRoutes, placementVersionRoute } from "./placement.ts";
import { requirePolicy } from "./policy.ts";
import { type Ask, type Caller, Refused, type Reply, type Route } from "./reply.ts";
import { serverActionRoutes } from "./server-actions.ts";
import { serverRoutes } from "./servers.ts";
import { serviceRoutes } from "./services.ts";

/** A request as it comes in. */
export type Incoming = {
  readonly method: string;
  /** Below the service's root, with its query. */
  readonly path: string;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
  readonly base: string;
};

/** What to do with the connection: answer, say nothing for ever, or break it. */
export type Outcome = Reply | "silence" | "reset";

export type Service = {
  readonly name: ServiceName;
  /** Where it is below the cloud's address. */
  readonly prefix: string;
  readonly open: readonly Route[];
  readonly closed: readonly Route[];
};

const ANYONE: Caller = {
  user: { id: "", name: "", password: "", project_id: "", roles: [] },
  project: null,
  admin: false,
};

/** Every service of the cloud behind one address, with its faults and its journal. */
export const openFront = (simulation: Simulation, seed: number) => {
  const tokens: Tokens = new Map();
  const requestIds = seededIds(seed + 1);
  const services: Service[] = [
    { name: "identity", prefix: "/identity", ...identityRoutes(tokens) },
    {
      name: "compute",
      prefix: "/compute/v2.1",
      open: [computeVersionRoute],
      closed: [
        ...serviceRoutes,
        ...serverRoutes,
        ...serverActionRoutes,
        ...migrationRoutes,
        ...instanceActionRoutes,
        ...hypervisorRoutes,
        ...computeListRoutes,
        ...aggregateRoutes,
      ],
    },
    {
      name: "placement",
      prefix: "/placement",
      open: [placementVersionRoute],
      closed: placementRoutes,
    },
    { name: "block-storage", prefix: "/block-storage/v3", open: [], closed: blockStorageRoutes },
    { name: "network", prefix: "/network", open: [], closed: networkRoutes },
    { name: "instance-ha", prefix: "/instance-ha/v1", open: [], closed: instanceHaRoutes },
    { name: "alarming", prefix: "/alarming/v2", open: [], closed: alarmingRoutes },
    { name: "alertmanager", prefix: "/alertmanager/api/v2", open: alertmanagerRoutes, closed: [] },
  ];

  const handle = async (service: Service, incoming: Incoming): Promise<Outcome> => {
    const requestId = `req-${requestIds.uuid()}`;
    const facts = { ...incoming, service: service.name, body: incoming.text };
    const effect = faultFor(simulation.faults, facts, requestIds.random);
    const instead = effect && (await before(simulation, effect, service.name, requestId));
    if (instead) return instead;
    const reply = await answer(simulation, tokens, service, incoming, requestId);
    if (effect?.kind === "lose_answer") return "silence";
    return effect?.kind === "reset_after" ? "reset" : reply;
  };
  return { services, handle };
};

/** What an effect does instead of letting the service act. */
const before = async (
  { clock }: Simulation,
  effect: Effect,
  service: ServiceName,
  requestId: string,
): Promise<Outcome | undefined> => {
  switch (effect.kind) {
    case "hang":
      return "silence";
    case "reset_before":
      return "reset";
    case "delay":
      await sleep(clock, effect.ms);
      return undefined;
    case "error":
      return injected(effect, service, requestId);
    case "lose_answer":
    case "reset_after":
      return undefined;
  }
};

const injected = (
  { status, message = "injected fault", retry_after, html }: Extract<Effect, { kind: "error" }>,
  service: ServiceName,
  requestId: string,
): Reply => ({
  status,
  headers: {
    ...(retry_after !== undefined && { "Retry-After": String(retry_after) }),
    ...(html && { "Content-Type": "text/html" }),
  },
  body: html
    ? `<html><head><title>${status}</title></head><body><h1>${message}</h1></body></html>`
    : refusalBody(service, status, message, requestId),
});

const answer = async (
  simulation: Simulation,
  tokens: Tokens,
  service: Service,
  incoming: Incoming,
  requestId: string,
): Promise<Reply> => {
  const headers = { "x-openstack-request-id": requestId, ...versionHeader(service, incoming) };
  try {
    const { route, ask } = admit(simulation, tokens, service, incoming, requestId);
    const reply = await route.handle(ask);
    if (incoming.method !== "GET" && service.name !== "identity")
      simulation.journal.push({
        at: simulation.clock.now(),
        service: service.name,
        method: incoming.method,
        path: incoming.path,
        body: ask.body,
        requestId: incoming.header("x-openstack-request-id") ?? null,
        status: reply.status,
        user: ask.caller.user.name,
        project_id: ask.caller.project?.id ?? null,
      });
    return { ...reply, headers: { ...headers, ...reply.headers } };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { status, message } = error;
    return { status, headers, body: refusalBody(service.name, status, message, requestId) };
  }
};

const versionHeader = ({ name }: Service, { header }: Incoming): Record<string, string> => {
  const asked = header("openstack-api-version");
  return name === "compute" || name === "placement"
    ? { "OpenStack-API-Version": asked ?? `${name} ${name === "compute" ? "2.1" : "1.0"}` }
    : {};
};

/** Finds the route and who asks. @throws Refused 401, 403, 404, 405, 406 */
const admit = (
  simulation: Simulation,
  tokens: Tokens,
  service: Service,
  incoming: Incoming,
  requestId: string,
): { route: Route; ask: Ask } => {
  const url = new URL(`http://cloud${incoming.path}`);
  const open = find(service.open, incoming.method, url.pathname);
  const caller = open
    ? ANYONE
    : callerOf(simulation, tokens, incoming.header("x-auth-token") ?? "");
  const found = open ?? find(service.closed, incoming.method, url.pathname);
  if (!found) throw new Refused(404, "The resource could not be found.");
  const { route, params } = found;
  if (route.policy !== undefined) requirePolicy(caller, service.name, route.policy);
  const ask: Ask = {
    simulation,
    caller,
    params: { ...params, subject: incoming.header("x-subject-token") ?? "" },
    query: url.searchParams,
    body: jsonOf(incoming.text),
    requestId,
    microversion: microversionOf(simulation, service.name, incoming),
    base: incoming.base,
  };
  return { route, ask };
};

const find = (routes: readonly Route[], method: string, path: string) => {
  for (const route of routes) {
    const match = route.method === method && route.path.exec(path);
    if (match) return { route, params: decoded(match.groups) };
  }
  return undefined;
};

const decoded = (params: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
  );

const callerOf = ({ world, clock, spec }: Simulation, tokens: Tokens, name: string): Caller => {
  const token = tokens.get(name);
  if (!token || token.expires_at <= clock.now())
    throw new Refused(401, "The request you have made requires authentication.");
  return {
    user: token.user,
    project: world.projects.find((one) => one.id === token.project_id) ?? null,
    admin: spec.context_is_admin.some((role) => token.user.roles.includes(role)),
  };
};

const jsonOf = (text: string): unknown => {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(400, "Malformed request body");
  }
};

const microversionOf = (
  { spec }: Simulation,
  service: ServiceName,
  { header }: Incoming,
): readonly [number, number] => {
  const [type, version = ""] = (header("openstack-api-version") ?? "").split(" ");
  if (type !== service) return service === "compute" ? [2, 1] : [1, 0];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const maximum = service === "compute" ? spec.nova_microversion : spec.placement_microversion;
  if (minor > Number(maximum.split(".")[1]))
    throw new Refused(
      406,
      `Version ${version} is not supported by the API. Minimum is ${major}.1 and maximum is ${maximum}.`,
    );
  return [major, minor];
};
