import type { SessionDetail } from "../../../lib/client/maintenance.ts";
import { type Answer, type Call, startJsonServer } from "../json-server.ts";

export const SESSION = "7f3c0000-0000-4000-8000-000000000001";
const OTHER_SESSION = "80aa0000-0000-4000-8000-000000000002";

export const problem = (status: number, code: string, detail: string, errors: unknown[] = []) => ({
  status,
  headers: { "content-type": "application/problem+json" },
  body: { type: "about:blank", title: code, status, detail, code, errors },
});

export const hostRecord = (name: string, over: object = {}) => ({
  id: `id-of-${name}`,
  name,
  cloud: "lab",
  region: "RegionOne",
  zone: "az1",
  service: { id: "s1", status: "enabled", state: "up", disabled_reason: null },
  hypervisor: { id: "h1", hostname: name, type: "QEMU", version: 8002000 },
  session_id: null,
  labels: {},
  instance_storage: null,
  synced_at: "2026-11-22T10:00:00Z",
  gone: false,
  version: 1,
  ...over,
});

export const hostRun = (hostname: string, over: object = {}) => ({
  hostname,
  type: "compute",
  maintained: false,
  disabled: false,
  phase: "WAITING",
  outcome: null,
  instances_total: 7,
  instances_left: 7,
  started_at: null,
  finished_at: null,
  staying: [],
  stopped: [],
  alarm: null,
  details: null,
  ...over,
});

export const instance = (instance_id: string, over: object = {}) => ({
  instance_id,
  instance_name: "web",
  project_id: "p1",
  host: "cmp-01",
  destination_host: null,
  state: "waiting",
  action: "LIVE_MIGRATE",
  tries: 0,
  refusals: [],
  vetoed: false,
  started_at: null,
  finished_at: null,
  details: null,
  ...over,
});

export const session = (
  state: string,
  hosts: ReturnType<typeof hostRun>[],
  over: Partial<SessionDetail> = {},
): SessionDetail => ({
  session_id: SESSION,
  percent_done: 0,
  control: "running",
  holds: [],
  aborted: null,
  result: null,
  stays_changed: [],
  attention: [],
  session: {
    state,
    prev_state: null,
    maintenance_at: "2026-11-22T10:00:00Z",
    ends_at: null,
    metadata: {},
    workflow: "default",
    reason: "replace DIMM",
    profile: "production",
    created_at: "2026-11-22T09:59:00Z",
    updated_at: "2026-11-22T10:00:00Z",
    preflight_at: "2026-11-22T09:59:01Z",
    instances_total: hosts.reduce((sum, host) => sum + (host.instances_total ?? 0), 0) || null,
    next_windows: [],
    targets: [],
    max_parallel_hosts: 1,
  },
  hosts,
  instances: [],
  action_plugin_instances: [],
  ...over,
});

/** What an order to the session is answered with. */
const ordered = (over: object = {}) => ({
  session_id: SESSION,
  state: "PLANNED_MAINTENANCE",
  control: "running",
  holds: [],
  aborted: null,
  result: null,
  percent_done: 40,
  maintenance_at: "2026-11-22T10:00:00Z",
  attention: [],
  ...over,
});

/** The public API as its contract has it, over a world that a test sets and moves. */
export const startApi = async () => {
  const world = {
    tokens: ["valid"],
    hosts: ["cmp-01", "cmp-02", "cmp-03"].map((name) => hostRecord(name)),
    pageSize: 2,
    syncs: ["REQUESTED", "DONE"],
    /** What one look after the other finds; the last stays. */
    looks: [] as SessionDetail[],
    events: [{ type: "maintenance.session", at: "2026-11-22T10:00:00Z", sequence: 1, detail: {} }],
    /** Of cmp-01. */
    effects: [] as object[],
    keys: new Map<string, string>(),
    /** Answers instead of the API when it has something to say. */
    fault: (_call: Call): Answer | undefined => undefined,
  };
  const page = <T>(all: readonly T[], cursor: string | null) => {
    const start = Number(cursor ?? 0);
    const end = start + world.pageSize;
    return { items: all.slice(start, end), next: end < all.length ? String(end) : null };
  };
  const summaries = () =>
    [SESSION, OTHER_SESSION].map((session_id) => ({
      session_id,
      state: "PLANNED_MAINTENANCE",
      control: "running",
      percent_done: 40,
      maintenance_at: "2026-11-22T10:00:00Z",
      reason: "replace DIMM",
      hosts: 3,
      created_at: "2026-11-22T09:59:00Z",
    }));
  const sync = () => {
    const state = world.syncs.length > 1 ? world.syncs.shift() : world.syncs[0];
    return { sync_id: "sync-1", state, seen: 3, created: 1, updated: 2, gone: 0, error: null };
  };
  const routes: Record<string, (call: Call) => Answer> = {
    "GET /v1/hosts": ({ query }) => {
      const { items, next } = page(world.hosts, query.get("cursor"));
      return { body: { hosts: items, next_cursor: next } };
    },
    "POST /v1/sync": () => ({ status: 202, body: sync() }),
    "GET /v1/sync/sync-1": () => ({ body: sync() }),
    "GET /v1/maintenance": ({ query }) => {
      const { items, next } = page(summaries(), query.get("cursor"));
      return { body: { sessions: [], session_id: [], maintenance: items, next_cursor: next } };
    },
    "POST /v1/maintenance": ({ headers }) => {
      const key = String(headers["idempotency-key"]);
      world.keys.set(key, SESSION);
      return { body: { session_id: SESSION } };
    },
    [`GET /v1/maintenance/${SESSION}/detail`]: () => ({
      body: world.looks.length > 1 ? world.looks.shift() : world.looks[0],
    }),
    [`GET /v1/maintenance/${OTHER_SESSION}/detail`]: () => ({
      body: session("MAINTENANCE_DONE", [], { session_id: OTHER_SESSION }),
    }),
    [`GET /v1/maintenance/${SESSION}/events`]: () => ({
      body: { events: world.events, next_cursor: null },
    }),
    [`GET /v1/maintenance/${SESSION}/hosts/cmp-01/effects`]: () => ({
      body: { host: "cmp-01", run_id: "r1", effects: world.effects },
    }),
    [`GET /v1/maintenance/${SESSION}/hosts/cmp-02/effects`]: () => ({
      body: { host: "cmp-02", run_id: "r2", effects: [] },
    }),
    [`POST /v1/maintenance/${SESSION}/pause`]: () => ({ body: ordered({ control: "paused" }) }),
    [`POST /v1/maintenance/${SESSION}/resume`]: () => ({ body: ordered() }),
    [`POST /v1/maintenance/${SESSION}/projects/alpha/override`]: () => ({ body: ordered() }),
    [`POST /v1/maintenance/${SESSION}/abort`]: () => ({
      body: ordered({ control: "aborting", stays_changed: ["7 instances stay where they are"] }),
    }),
    [`POST /v1/maintenance/${SESSION}/hosts/cmp-01/retry`]: () => ({ body: ordered() }),
    [`POST /v1/maintenance/${SESSION}/hosts/cmp-01/release`]: () => ({ body: ordered() }),
    "PATCH /v1/hosts/cmp-01": () => ({ body: hostRecord("cmp-01", { version: 2 }) }),
    "PUT /v1/hosts/cmp-01/maintenance": () => ({ body: { session_id: SESSION } }),
    "DELETE /v1/hosts/cmp-01/maintenance": () => ({ body: ordered() }),
    "GET /v1/freeze": () => ({ body: { frozen: false, by: null, at: null, reason: null } }),
    "PUT /v1/freeze": () => ({
      body: { frozen: true, by: "admin", at: "2026-11-22T10:00:00Z", reason: "storm" },
    }),
    "DELETE /v1/freeze": () => ({
      body: { frozen: false, by: "admin", at: "2026-11-22T11:00:00Z", reason: "" },
    }),
    [`DELETE /v1/maintenance/${SESSION}`]: () => ({ body: {} }),
  };
  const server = await startJsonServer((call) => {
    const fault = world.fault(call);
    if (fault) return fault;
    if (!world.tokens.includes(String(call.headers["x-auth-token"])))
      return problem(401, "unauthorized", "the token is not valid");
    const route = routes[`${call.method} ${call.path}`];
    if (route) return route(call);
    const host = world.hosts.find(({ name }) => call.path === `/v1/hosts/${name}`);
    return host ? { body: host } : problem(404, "not_found", `${call.path} is not there`);
  });
  return Object.assign(server, {
    world,
    asked: () => server.calls.map(({ method, path }) => `${method} ${path}`),
  });
};
