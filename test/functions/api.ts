import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as z from "zod";
import type { Table } from "../../lib/store/table.ts";
import { apiListener } from "../../localstack/aws/http-api.ts";
import { listen } from "../../localstack/aws/http-server.ts";
import type { Functions, Handler } from "../../localstack/aws/lambda/functions.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { serverless } from "../serverless.ts";
import { type DynamoDb, startDynamoDb } from "../store/dynamodb.ts";

/** Users by what their tokens are good for: each a user of the simulated Keystone, or a token of ours. */
export const PERSONAS = {
  admin: null,
  "system reader": { project: null, roles: ["reader"] },
  auditor: { project: "alpha", roles: ["auditor"] },
  "project member": { project: "alpha", roles: ["member", "reader"] },
  "project reader": { project: "alpha", roles: ["reader"] },
  "system member": { project: null, roles: ["member"] },
  "holder of the break-glass token": "break the glass",
} as const;
export type Persona = keyof typeof PERSONAS;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
  readonly body: any;
};

export type Call = {
  /** The admin unless told otherwise; null = no token. */
  readonly as?: Persona | null;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Api = {
  readonly table: Table;
  readonly dynamodb: DynamoDb;
  readonly cloud: Simulator;
  readonly call: (method: string, path: string, call?: Call) => Promise<Answer>;
  readonly tokenOf: (persona: Persona) => Promise<string>;
  readonly close: () => Promise<void>;
};

/**
 * The API as it is deployed: the routes of serverless.yml, the real handlers, an embedded DynamoDB,
 * and the Keystone of a simulated cloud, each over HTTP.
 */
export const startApi = async (settings: Readonly<Record<string, string>> = {}): Promise<Api> => {
  const clock = scaledClock();
  const cloud = await startSimulator({ clock, cloud: cloudOf({ hosts: 2, instances: 2 }) });
  const secrets: Readonly<Record<string, string>> = {
    key: "the deployment's key",
    "lull/cloud": JSON.stringify(cloud.config),
  };
  const secretsmanager = (_: string, input: unknown) => ({
    SecretString: secrets[z.object({ SecretId: z.string() }).parse(input).SecretId],
  });
  const dynamodb = await startDynamoDb({}, { secretsmanager });
  const table = dynamodb.newTable();
  Object.assign(process.env, {
    TABLE_NAME: table.name,
    BUS_NAME: "bus",
    WEBHOOK_KEY: "key",
    SESSION_MACHINE_ARN: "arn:aws:states:us-east-1:000000000000:stateMachine:session",
    HOST_MACHINE_ARN: "arn:aws:states:us-east-1:000000000000:stateMachine:host",
    LULL_CLOUD: "lab",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_AUTH_URL: cloud.authUrl,
    LULL_READER_ROLE: "auditor",
    LULL_BREAK_GLASS_SHA256: createHash("sha256").update("break the glass").digest("hex"),
    POWERTOOLS_LOG_LEVEL: "SILENT",
    ...settings,
  });
  const functions = await loadHandlers();
  const server = await listen(
    apiListener({ routes: routesOfServerless(), functions, clock, log: console.error }),
    { host: "127.0.0.1", port: 0 },
  );
  const tokenOf = tokens(cloud);

  const call: Api["call"] = async (method, path, { as = "admin", token, body, headers } = {}) => {
    const proof = token ?? (as === null ? null : await tokenOf(as));
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(proof !== null && { "x-auth-token": proof }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  };
  return {
    table,
    dynamodb,
    cloud,
    call,
    tokenOf,
    close: async () => {
      server.close();
      dynamodb.close();
      await cloud.close();
    },
  };
};

/** Gives each persona a token, once. */
const tokens = (cloud: Simulator) => {
  const issued = new Map<Persona, Promise<string>>();
  const admin = cloud.world.users.find(({ name }) => name === "admin");
  const issue = async (persona: Persona): Promise<string> => {
    const wanted = PERSONAS[persona];
    if (typeof wanted === "string") return wanted;
    const project = cloud.world.projects.find(({ name }) => name === wanted?.project);
    const user =
      wanted === null
        ? admin
        : {
            id: persona,
            name: persona,
            password: "secret",
            // No such project: the token speaks for the whole system.
            project_id: project?.id ?? "the system",
            roles: wanted.roles,
          };
    if (user === undefined) throw new Error("the simulated cloud has no admin");
    if (user !== admin) cloud.world.users.push(user);
    const response = await fetch(`${cloud.authUrl}/v3/auth/tokens`, {
      method: "POST",
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ["password"],
            password: { user: { id: user.id, password: user.password } },
          },
        },
      }),
    });
    const token = response.headers.get("x-subject-token");
    if (token === null) throw new Error(`no token for ${persona}: ${await response.text()}`);
    return token;
  };
  return (persona: Persona): Promise<string> => {
    const known = issued.get(persona) ?? issue(persona);
    issued.set(persona, known);
    return known;
  };
};

/** API functions by name, with the file that each is built from. */
const apiFunctions = Object.entries(serverless.functions)
  .filter(([, { role }]) => /^Api\w*Role$/.test(role))
  .map(([name, { handler, events }]) => ({
    name,
    file: handler.replace(/^dist\//, "").replace(/\.handler$/, ".ts"),
    events,
  }));

const loadHandlers = async (): Promise<Functions> => {
  const handlers = new Map<string, Handler>();
  for (const { name, file } of apiFunctions) {
    const module: { handler: Handler } = await import(
      /* @vite-ignore */ new URL(`../../${file}`, import.meta.url).href
    );
    handlers.set(name, module.handler);
  }
  const invoke: Functions["invoke"] = async (name, event) => {
    const result = await handlers.get(name)?.(event, { getRemainingTimeInMillis: () => 29_000 });
    return { outcome: "returned", result };
  };
  return { invoke, room: () => 1, onRoom: () => undefined, close: async () => undefined };
};

const httpApiSchema = z.object({ httpApi: z.object({ method: z.string(), path: z.string() }) });

const routesOfServerless = () =>
  apiFunctions.flatMap(({ name, events }) =>
    events.map((event) => {
      const { method, path } = httpApiSchema.parse(event).httpApi;
      const key = `${method === "*" ? "ANY" : method} ${path}`;
      return { key, functionArn: name, timeoutMs: 29_000 };
    }),
  );

/** Every route that an API function offers, read from its source: `GET /v1/hosts/{host}`. */
export const offeredRoutes = (): string[] =>
  apiFunctions.flatMap(({ file }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    const routes = [...source.matchAll(/method: "(\w+)",\s*path: "([^"]+)",\s*allow: /g)];
    if (routes.length !== source.split("method: ").length - 1)
      throw new Error(`${file} has a route that is not written as method, path, allow`);
    return routes.map(([, method, path]) => `${method} ${path}`);
  });
