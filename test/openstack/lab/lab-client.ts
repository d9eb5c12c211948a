import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";

const AUTH_URL = `http://127.0.0.1:${process.env["KEYSTONE_PORT"] ?? 5000}/v3`;
const WAIT_LIMIT_MS = 120_000;

const tokenSchema = z.object({
  token: z.object({
    catalog: z.array(
      z.object({
        type: z.string(),
        endpoints: z.array(z.object({ interface: z.string(), url: z.string() })),
      }),
    ),
  }),
});

const serverSchema = z
  .object({
    id: z.string(),
    status: z.string(),
    tenant_id: z.string(),
    metadata: z.record(z.string(), z.string()),
    "OS-EXT-SRV-ATTR:host": z.string().optional(),
  })
  .transform(({ "OS-EXT-SRV-ATTR:host": host = "", ...rest }) => ({ ...rest, host }));

const serviceSchema = z.object({
  id: z.string(),
  host: z.string(),
  state: z.string(),
  status: z.string(),
});

const migrationSchema = z.object({
  id: z.number(),
  status: z.string(),
  instance_uuid: z.string(),
  dest_compute: z.string().nullable(),
});

export type Server = z.output<typeof serverSchema>;
export type Service = z.output<typeof serviceSchema>;
export type LabClient = Awaited<ReturnType<typeof login>>;

/**
 * The few calls with which the lab is tried. Deliberately not the project's own client: a failure
 * here is the lab's.
 */
export async function login(user: string, project: string) {
  const compute = await computeOf(user, project);

  async function until(what: string, check: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + WAIT_LIMIT_MS;
    while (!(await check())) {
      if (performance.now() > end) throw new Error(`not in ${WAIT_LIMIT_MS} ms: ${what}`);
      await sleep(200);
    }
  }

  async function servers(): Promise<Server[]> {
    const path = `/servers/detail${user === "admin" ? "?all_tenants=1" : ""}`;
    return z.object({ servers: z.array(serverSchema) }).parse(await compute("GET", path)).servers;
  }

  async function server(id: string): Promise<Server> {
    const body = await compute("GET", `/servers/${id}`);
    return z.object({ server: serverSchema }).parse(body).server;
  }

  async function services(): Promise<Service[]> {
    const body = await compute("GET", "/os-services?binary=nova-compute");
    return z.object({ services: z.array(serviceSchema) }).parse(body).services;
  }

  async function migrations(): Promise<z.output<typeof migrationSchema>[]> {
    const body = await compute("GET", "/os-migrations");
    return z.object({ migrations: z.array(migrationSchema) }).parse(body).migrations;
  }

  async function migration(id: number) {
    const found = (await migrations()).find((row) => row.id === id);
    if (found === undefined) throw new Error(`no migration ${id}`);
    return found;
  }

  /** Starts a live migration, to any host unless told, and returns the id of its row. */
  async function liveMigrate({ id }: Server, host: string | null = null): Promise<number> {
    const before = Math.max(0, ...(await migrations()).map((row) => row.id));
    await compute("POST", `/servers/${id}/action`, {
      "os-migrateLive": { host, block_migration: "auto" },
    });
    const own = async () =>
      (await migrations()).find((row) => row.id > before && row.instance_uuid === id);
    await until(`a migration of ${id}`, async () => (await own()) !== undefined);
    return (await own())?.id ?? 0;
  }

  /**
   * Until a migration's row has that status and its server rests. The row is no help earlier: a
   * failure before the transfer shows as `error` first and becomes `failed` after the rollback.
   */
  async function ends(id: number, status: string): Promise<void> {
    await until(`migration ${id} ${status}`, async () => (await migration(id)).status === status);
    const { instance_uuid } = await migration(id);
    await until(`${instance_uuid} at rest`, async () => {
      return (await server(instance_uuid)).status === "ACTIVE";
    });
  }

  return {
    until,
    servers,
    server,
    services,
    migration,
    liveMigrate,
    ends,
    untilHost: (host: string, state: "up" | "down") =>
      until(`${host} ${state}`, async () =>
        (await services()).some((service) => service.host === host && service.state === state),
      ),
    disable: ({ id }: Service) =>
      compute("PUT", `/os-services/${id}`, { status: "disabled", disabled_reason: "lab test" }),
    untilServer: ({ id }: Server, status: string) =>
      until(`${id} ${status}`, async () => (await server(id)).status === status),
    coldMigrate: ({ id }: Server) => compute("POST", `/servers/${id}/action`, { migrate: null }),
    abort: ({ id }: Server, migrationId: number) =>
      compute("DELETE", `/servers/${id}/migrations/${migrationId}`),
  };
}

/** A caller of Nova's API, as one user in one project. */
async function computeOf(user: string, project: string) {
  const domain = { name: "Default" };
  const password = process.env["PASSWORD"] ?? "lab";
  const reply = await fetch(`${AUTH_URL}/auth/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      auth: {
        identity: { methods: ["password"], password: { user: { name: user, domain, password } } },
        scope: { project: { name: project, domain } },
      },
    }),
  });
  const { catalog } = tokenSchema.parse(await reply.json()).token;
  const endpoints = catalog.find((service) => service.type === "compute")?.endpoints;
  const base = endpoints?.find((endpoint) => endpoint.interface === "public")?.url;

  return async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        "x-auth-token": reply.headers.get("x-subject-token") ?? "",
        "openstack-api-version": "compute 2.93",
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
}
