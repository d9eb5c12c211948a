import * as z from "zod";
import type { Simulation } from "../simulation.ts";
import type { User } from "../world.ts";
import { catalog } from "./catalog.ts";
import { requirePolicy } from "./policy.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";

type Token = {
  readonly user: User;
  readonly method: "password" | "application_credential";
  readonly project_id: string | null;
  readonly issued_at: number;
  readonly expires_at: number;
};
export type Tokens = Map<string, Token>;

const domainSchema = z.object({ name: z.string().optional(), id: z.string().optional() });
const authSchema = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.array(z.string()),
      password: z
        .object({
          user: z.object({
            id: z.string().optional(),
            name: z.string().optional(),
            domain: domainSchema.optional(),
            password: z.string(),
          }),
        })
        .optional(),
      application_credential: z.object({ id: z.string(), secret: z.string() }).optional(),
    }),
    scope: z
      .union([
        z.object({
          project: z.object({
            id: z.string().optional(),
            name: z.string().optional(),
            domain: domainSchema.optional(),
          }),
        }),
        z.object({ system: z.object({ all: z.literal(true) }) }),
      ])
      .optional(),
  }),
});

const UNAUTHORIZED = "The request you have made requires authentication.";
const domain = { id: "default", name: "Default" };

const time = (at: number) => new Date(at).toISOString().replace("Z", "000Z");

export const identityRoutes = (tokens: Tokens): { open: Route[]; closed: Route[] } => ({
  open: [
    { method: "GET", path: /^\/?(v3\/?)?$/, handle: ({ base }) => version(base) },
    { method: "POST", path: /^\/v3\/auth\/tokens$/, handle: (ask) => issue(tokens, ask) },
  ],
  closed: [
    {
      method: "GET",
      path: /^\/v3\/auth\/tokens$/,
      handle: ({ simulation, params, query, base }) => {
        const subject = params["subject"] ?? "";
        const token = tokens.get(subject);
        if (!token || token.expires_at <= simulation.clock.now())
          throw new Refused(404, "Could not find token.");
        const catalog = !query.has("nocatalog");
        return { status: 200, body: tokenBody(simulation, token, base, catalog) };
      },
    },
    {
      method: "DELETE",
      path: /^\/v3\/auth\/tokens$/,
      handle: ({ params }) => {
        tokens.delete(params["subject"] ?? "");
        return { status: 204 };
      },
    },
    {
      method: "GET",
      path: /^\/v3\/users\/(?<user>[^/]+)\/application_credentials\/(?<id>[^/]+)$/,
      handle: credential,
    },
    {
      method: "GET",
      path: /^\/v3\/projects$/,
      policy: "identity:list_projects",
      handle: ({ simulation }) => ({
        status: 200,
        body: { projects: simulation.world.projects.map(projectBody) },
      }),
    },
    {
      method: "GET",
      path: /^\/v3\/projects\/(?<id>[^/]+)$/,
      policy: "identity:get_project",
      handle: ({ simulation, params }) => {
        const project = simulation.world.projects.find((one) => one.id === params["id"]);
        if (!project) throw new Refused(404, `Could not find project: ${params["id"]}.`);
        return { status: 200, body: { project: projectBody(project) } };
      },
    },
  ],
});

const projectBody = ({ id, name }: { id: string; name: string }) => ({
  id,
  name,
  domain_id: "default",
  description: "",
  enabled: true,
  parent_id: "default",
  is_domain: false,
  tags: [],
  options: {},
});

const version = (base: string): Reply => ({
  status: 200,
  body: {
    version: {
      id: "v3.14",
      status: "stable",
      links: [{ rel: "self", href: `${base}/identity/v3/` }],
    },
  },
});

const issue = (tokens: Tokens, ask: Ask): Reply => {
  const { simulation, base } = ask;
  const { auth } = bodyAs(ask, authSchema);
  const user = userOf(simulation, auth.identity);
  const method = auth.identity.password ? "password" : "application_credential";
  const lifetime = simulation.clock.now() + simulation.spec.token_ms;
  const token: Token = {
    user,
    method,
    project_id: projectOf(simulation, user, auth.scope),
    issued_at: simulation.clock.now(),
    expires_at: method === "password" ? lifetime : Math.min(lifetime, credentialEnd(simulation)),
  };
  const name = `sim-${simulation.ids.hex()}`;
  tokens.set(name, token);
  return {
    status: 201,
    headers: { "X-Subject-Token": name },
    body: tokenBody(simulation, token, base, true),
  };
};

type Identity = z.infer<typeof authSchema>["auth"]["identity"];

/** When the application credentials end, in milliseconds since the epoch. */
const credentialEnd = ({ spec }: Simulation): number =>
  spec.application_credential_expires_at === null
    ? Number.POSITIVE_INFINITY
    : Date.parse(spec.application_credential_expires_at);

/** Application credentials are not stored: each user has one whose id is its own and whose secret is its password. */
const userOf = (simulation: Simulation, { password, application_credential }: Identity): User => {
  const { world, clock } = simulation;
  const user = password
    ? world.users.find(
        (one) =>
          (one.id === password.user.id || one.name === password.user.name) &&
          one.password === password.user.password,
      )
    : world.users.find(
        (one) =>
          one.id === application_credential?.id &&
          one.password === application_credential.secret &&
          clock.now() < credentialEnd(simulation),
      );
  if (!user) throw new Refused(401, UNAUTHORIZED);
  return user;
};

type Scope = z.infer<typeof authSchema>["auth"]["scope"];

const projectOf = ({ world }: Simulation, user: User, scope: Scope): string | null => {
  if (!scope) return user.project_id;
  if ("system" in scope) {
    if (!user.roles.includes("admin")) throw new Refused(401, UNAUTHORIZED);
    return null;
  }
  const { id, name } = scope.project;
  const project = world.projects.find((one) => one.id === id || one.name === name);
  if (!project || project.id !== user.project_id) throw new Refused(401, UNAUTHORIZED);
  return project.id;
};

const tokenBody = (simulation: Simulation, token: Token, base: string, withCatalog: boolean) => {
  const project = simulation.world.projects.find((one) => one.id === token.project_id);
  return {
    token: {
      methods: [token.method],
      ...(token.method === "application_credential" && {
        application_credential: { id: token.user.id, name: token.user.name, restricted: true },
      }),
      user: { domain, id: token.user.id, name: token.user.name, password_expires_at: null },
      audit_ids: [],
      expires_at: time(token.expires_at),
      issued_at: time(token.issued_at),
      ...(project
        ? { project: { domain, id: project.id, name: project.name }, is_domain: false }
        : { system: { all: true } }),
      roles: token.user.roles.map((name) => ({ id: name, name })),
      ...(withCatalog && { catalog: catalog(simulation, token.project_id ?? "", base) }),
    },
  };
};

/** A user may read its own. */
const credential = ({ simulation, caller, params }: Ask): Reply => {
  const { id, user } = params;
  if (caller.user.id !== user)
    requirePolicy(caller, "identity", "identity:get_application_credential");
  const owner = simulation.world.users.find((one) => one.id === user && one.id === id);
  if (!owner) throw new Refused(404, `Could not find Application Credential: ${id}.`);
  const expires_at = simulation.spec.application_credential_expires_at;
  return {
    status: 200,
    body: {
      application_credential: {
        id,
        name: owner.name,
        description: null,
        project_id: owner.project_id,
        roles: owner.roles.map((name) => ({ id: name, name, domain_id: null })),
        expires_at: expires_at && time(Date.parse(expires_at)).replace("Z", ""),
        unrestricted: false,
        system: null,
      },
    },
  };
};
