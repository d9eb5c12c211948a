import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, offeredRoutes, PERSONAS, type Persona, startApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const projectNamed = (name: string): string =>
  api.cloud.world.projects.find((project) => project.name === name)?.id ?? "";

const EMERGENCY = "holder of the break-glass token";
const READERS: Persona[] = ["admin", "system reader", "auditor", EMERGENCY];
const ADMINS: Persona[] = ["admin"];
/** Whoever has a token of a project may look at what is that project's. */
const VIEWERS: Persona[] = [...READERS, "project member", "project reader"];
/** Whoever may do more than look in a project may say what that project wants. */
const OWNERS: Persona[] = ["admin", "project member"];
/** Whoever may do so for the project that the path names. */
const ANSWERERS: Persona[] = ["project member"];
const MEMBERS: Persona[] = [...OWNERS, "auditor", "project reader"];
/** Whoever may read the fleet with a token of Keystone may have it looked at. */
const PLANNERS: Persona[] = ["admin", "system reader", "auditor"];
const BRAKEMEN: Persona[] = ["admin", EMERGENCY];

/** Who may call what. A route that is not in this table is one that nobody has thought about. */
const POLICY: Record<string, Persona[] | "anyone"> = {
  "GET /v1/healthz": "anyone",
  "POST /v1/callbacks/{id}": "anyone",
  "GET /v1/hosts": READERS,
  "GET /v1/hosts/{host}": READERS,
  "PATCH /v1/hosts/{host}": ADMINS,
  "PUT /v1/hosts/{host}/maintenance": ADMINS,
  "DELETE /v1/hosts/{host}/maintenance": ADMINS,
  "GET /v1/freeze": READERS,
  "PUT /v1/freeze": BRAKEMEN,
  "DELETE /v1/freeze": BRAKEMEN,
  "POST /v1/sync": ADMINS,
  "GET /v1/sync/{id}": READERS,
  "POST /v1/maintenance": ADMINS,
  "GET /v1/maintenance": VIEWERS,
  "GET /v1/maintenance/{session_id}": READERS,
  "DELETE /v1/maintenance/{session_id}": ADMINS,
  "GET /v1/maintenance/{session_id}/detail": READERS,
  "GET /v1/maintenance/{session_id}/events": READERS,
  "GET /v1/maintenance/{session_id}/{project_id}": VIEWERS,
  "PUT /v1/maintenance/{session_id}/{project_id}": ANSWERERS,
  "PUT /v1/maintenance/{session_id}/{project_id}/{instance_id}": ANSWERERS,
  "GET /v1/maintenance/{session_id}/hosts/{host}/effects": READERS,
  "POST /v1/maintenance/{session_id}/projects/{project_id}/override": ADMINS,
  "POST /v1/maintenance/{session_id}/pause": BRAKEMEN,
  "POST /v1/maintenance/{session_id}/resume": BRAKEMEN,
  "POST /v1/maintenance/{session_id}/abort": BRAKEMEN,
  "POST /v1/maintenance/{session_id}/hosts/{host}/retry": ADMINS,
  "POST /v1/maintenance/{session_id}/hosts/{host}/release": BRAKEMEN,
  "POST /v1/plans": PLANNERS,
  "GET /v1/plans/{plan_id}": READERS,
  "GET /v1/plans/{plan_id}/operations": READERS,
  "GET /v1/plans/{plan_id}/curve": READERS,
  "GET /v1/instance": VIEWERS,
  "GET /v1/instance/{instance_id}": VIEWERS,
  "PUT /v1/instance/{instance_id}": OWNERS,
  "DELETE /v1/instance/{instance_id}": OWNERS,
  "GET /v1/instance_group": VIEWERS,
  "GET /v1/instance_group/{group_id}": VIEWERS,
  "PUT /v1/instance_group/{group_id}": OWNERS,
  "DELETE /v1/instance_group/{group_id}": OWNERS,
  "POST /v1/subscriptions": OWNERS,
  "GET /v1/subscriptions": MEMBERS,
  "GET /v1/subscriptions/{id}": MEMBERS,
  "DELETE /v1/subscriptions/{id}": OWNERS,
  "POST /v1/subscriptions/{id}/test": OWNERS,
  "POST /v1/subscriptions/{id}/replay": OWNERS,
  "GET /v1/subscriptions/{id}/deliveries": MEMBERS,
  "GET /status/{host}": READERS,
  "GET /status/project/{host_id}": VIEWERS,
};

const personas = Object.keys(PERSONAS) as Persona[];
const routes = Object.entries(POLICY).map(([route, allowed]) => ({ route, allowed }));
const closed = routes.filter(({ allowed }) => allowed !== "anyone");

/** A path of the route, of things that do not exist, but for the project, which is a member's own. */
const callOn = (route: string) => {
  const [method = "", path = ""] = route.split(" ");
  return {
    method,
    path: path
      .replace("{project_id}", projectNamed("alpha"))
      .replace("{host_id}", "0".repeat(56))
      .replace(/\{\w*id\}/, crypto.randomUUID())
      .replace("{host}", "cmp-nowhere"),
  };
};

test("every route that is offered has its rule, and every rule its route", () => {
  expect(offeredRoutes().toSorted()).toEqual(Object.keys(POLICY).toSorted());
});

describe.each(routes)("$route", ({ route, allowed }) => {
  test.each(personas)("opens to those who may, asked by the %s", async (persona) => {
    const { method, path } = callOn(route);
    const { status, body } = await api.call(method, path, { as: persona });

    if (allowed === "anyone" || allowed.includes(persona)) expect([401, 403]).not.toContain(status);
    else expect({ status, code: body.code }).toEqual({ status: 403, code: "forbidden" });
  });
});

describe.each(closed)("$route", ({ route }) => {
  test("is closed without a token", async () => {
    const { method, path } = callOn(route);
    const { status, headers, body } = await api.call(method, path, { as: null });

    expect(status).toBe(401);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ code: "unauthorized", status: 401 });
    expect(body.detail).toContain("X-Auth-Token");
  });

  test.each(["garbage", "", "a b", "x".repeat(9_000)])(
    "is closed to the token %j",
    async (token) => {
      const { method, path } = callOn(route);

      expect((await api.call(method, path, { token })).status).toBe(401);
    },
  );
});

describe.each([...new Set(routes.map(({ route }) => route.split(" ")[1] ?? ""))])("%s", (path) => {
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter(
    (method) => !(`${method} ${path}` in POLICY),
  );

  test.each(methods)("answers %s by no one, not even an admin", async (method) => {
    const answer = await api.call(method, callOn(`${method} ${path}`).path);

    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ code: "not_found" });
  });
});

test("a token's owner is remembered, so that Keystone is not asked at each request", async () => {
  await api.call("GET", "/v1/hosts", { as: "auditor" });
  api.cloud.happen({
    kind: "fault",
    fault: { service: "identity", effect: { kind: "error", status: 500 } },
  });
  const { status } = await api.call("GET", "/v1/hosts", { as: "auditor" });
  api.cloud.happen({ kind: "clear_faults" });

  expect(status).toBe(200);
});

describe("while Keystone is down", () => {
  beforeAll(() => {
    const effect = { kind: "error", status: 503 } as const;
    api.cloud.happen({ kind: "fault", fault: { service: "identity", effect } });
  });
  afterAll(() => api.cloud.happen({ kind: "clear_faults" }));

  test.each(["x-lull-token", "x-auth-token"])(
    "the break-glass token in %s lets its holder look and stop things",
    async (header) => {
      const headers = { [header]: "break the glass" };
      const body = { reason: "Keystone is down" };
      const look = await api.call("GET", "/v1/hosts", { as: null, headers });
      const freeze = await api.call("PUT", "/v1/freeze", { as: null, headers, body });
      await api.call("DELETE", "/v1/freeze", { as: null, headers });

      expect([look.status, freeze.status]).toEqual([200, 200]);
      expect(freeze.body).toMatchObject({ frozen: true, by: "break-glass" });
    },
  );

  test("another token of ours opens nothing", async () => {
    const headers = { "x-lull-token": "break the grass" };

    expect((await api.call("GET", "/v1/hosts", { as: null, headers })).status).toBe(401);
  });

  test("whoever has a token of Keystone is asked to try again later", async () => {
    expect((await api.call("GET", "/v1/hosts", { token: "unknown" })).status).toBe(503);
  });
});
