import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MaintenanceApi, problemOf, startMaintenanceApi } from "./maintenance-api.ts";

let api: MaintenanceApi;
beforeAll(async () => {
  api = await startMaintenanceApi();
});
afterAll(() => api.close());

describe("the list of sessions", () => {
  test("names each under both of Fenix's names, with what it is about", async () => {
    const id = await api.created({ reason: "disks" });
    const { body } = await api.call("GET", "/v1/maintenance?limit=1");

    expect(body).toMatchObject({
      sessions: [id],
      session_id: [id],
      maintenance: [{ session_id: id, state: "MAINTENANCE", reason: "disks", hosts: 1 }],
    });
  });

  test("is paged, each session once, newest first", async () => {
    const newest = [await api.created(), await api.created()].toReversed();

    expect((await api.listAll(2)).slice(0, 2)).toEqual(newest);
    expect(await api.listAll(2)).toEqual(await api.listAll());
  });

  test.each(["limit=0", "limit=501", "limit=x", "limit=1.5", "limit="])(
    "refuses %s",
    async (query) => {
      const answer = await api.call("GET", `/v1/maintenance?${query}`);

      expect(problemOf(answer)).toMatchObject({
        status: 400,
        errors: [expect.stringContaining("limit")],
      });
    },
  );

  test("refuses a parameter that nobody knows, instead of leaving it out", async () => {
    expect((await api.call("GET", "/v1/maintenance?page=2")).status).toBe(400);
  });
});

test.each(["/v1/maintenance", "/v1/hosts"])("%s refuses a garbage cursor", async (path) => {
  const answer = await api.call("GET", `${path}?cursor=garbage`);

  expect(problemOf(answer)).toEqual({
    status: 400,
    code: "invalid",
    errors: ["cursor cursor_unknown"],
  });
});

describe("a session", () => {
  test("that is not there is 404 on every path, for any kind of id", async () => {
    for (const id of [crypto.randomUUID(), "1", "%23META", "x".repeat(3_000)])
      for (const more of ["", "/detail", "/events"])
        expect(problemOf(await api.show(id, more))).toMatchObject({
          status: 404,
          code: "not_found",
        });
  });

  test("is told in detail, host by host", async () => {
    const id = await api.created({ hosts: ["cmp-02", "cmp-01"], targets: ["cmp-02", "cmp-01"] });
    const { body } = await api.show(id, "/detail");

    expect(body).toMatchObject({
      session_id: id,
      control: "running",
      session: { state: "MAINTENANCE", targets: ["cmp-02", "cmp-01"], created_by: "admin" },
      hosts: [
        { hostname: "cmp-01", type: "compute", phase: "WAITING", maintained: false },
        { hostname: "cmp-02", type: "compute", phase: "WAITING", maintained: false },
      ],
      instances: [],
      action_plugin_instances: [],
    });
  });

  test("has a history that is paged", async () => {
    const id = await api.created();
    await api.call("DELETE", `/v1/maintenance/${id}`);
    const first = (await api.show(id, "/events?limit=1")).body;
    const second = (await api.show(id, `/events?limit=1&cursor=${first.next_cursor}`)).body;

    expect([...first.events, ...second.events]).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
    expect((await api.show(id, "/events?cursor=E%232026")).status).toBe(400);
  });

  test("is aborted by DELETE, also with a JSON type and no body, and twice is once", async () => {
    const id = await api.created();
    const headers = { "content-type": "application/json" };
    const remove = () => api.call("DELETE", `/v1/maintenance/${id}`, { headers });

    expect(await remove()).toMatchObject({ status: 200, body: {} });
    expect((await remove()).status).toBe(200);
    expect((await api.show(id)).body.control).toBe("aborting");
    expect((await api.show(id, "/events")).body.events).toHaveLength(2);
  });

  test("that is aborted stays listed: its hosts are still being put back", async () => {
    const id = await api.created();
    await api.call("DELETE", `/v1/maintenance/${id}`);

    expect(await api.listAll()).toContain(id);
  });

  test("that is not there cannot be deleted", async () => {
    expect((await api.call("DELETE", `/v1/maintenance/${crypto.randomUUID()}`)).status).toBe(404);
  });
});
