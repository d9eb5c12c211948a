import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { claimHost, disabledReason, leavingForHuman } from "../../lib/domain/host-run.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { syncStore } from "../../lib/store/syncs.ts";
import { aDevice, NOW } from "../domain/builders.ts";
import { type Api, startApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  const hosts = hostStore(api.table);
  for (const name of ["cmp-01", "cmp-02", "cmp-03", "rack 7/cmp 50%"])
    await hosts.create(aDevice(name, { id: `device-${name.slice(-2)}` }));
});
afterAll(() => api.close());

const show = (host: string) => api.call("GET", `/v1/hosts/${host}`);
const list = (query = "") => api.call("GET", `/v1/hosts?${query}`);
const names = (body: { hosts: { name: string }[] }) => body.hosts.map(({ name }) => name);

describe("a host", () => {
  test("is told with its service, its hypervisor and its version as ETag", async () => {
    const { status, headers, body } = await show("cmp-01");

    expect(status).toBe(200);
    expect(headers.get("etag")).toBe('"host-1"');
    expect(body).toEqual({
      id: "device-01",
      name: "cmp-01",
      cloud: "lab",
      region: "RegionOne",
      zone: "nova",
      service: { id: "service-cmp-01", status: "enabled", state: "up", disabled_reason: null },
      hypervisor: {
        id: "node-cmp-01",
        hostname: "cmp-01.example",
        type: "QEMU",
        version: 8_002_000,
      },
      labels: {},
      instance_storage: null,
      session_id: null,
      synced_at: NOW,
      gone: false,
      version: 1,
    });
  });

  test("that the inventory has not is 404", async () => {
    for (const name of ["cmp-99", "CMP-01", "x".repeat(3_000), "constructor"])
      expect(await show(name)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("is found by its name as a path encodes it", async () => {
    expect(await show("cmp%2D01")).toMatchObject({ status: 200, body: { name: "cmp-01" } });
  });

  test("whose path is no encoding of anything is refused", async () => {
    expect((await show("%E0%A4%A")).status).toBe(400);
  });
});

describe("the list of hosts", () => {
  test("is paged by name, each host once", async () => {
    const first = (await list("limit=3")).body;
    const second = (await list(`limit=3&cursor=${first.next_cursor}`)).body;

    expect(names(first)).toEqual(["cmp-01", "cmp-02", "cmp-03"]);
    expect(names(second)).toEqual(["rack 7/cmp 50%"]);
    expect(second.next_cursor).toBeNull();
  });

  test("of a region that has none is empty", async () => {
    expect((await list("region=Nowhere")).body).toEqual({ hosts: [], next_cursor: null });
  });

  test.each([
    "limit=0",
    "limit=501",
    "limit=many",
    "region=",
    `region=${"x".repeat(256)}`,
    "zone=nova",
    "cursor=",
  ])("refuses %s", async (query) => {
    expect(await list(query)).toMatchObject({ status: 400, body: { code: "invalid" } });
  });

  test.each([1, 500])("takes limit=%i", async (limit) => {
    expect((await list(`limit=${limit}`)).status).toBe(200);
  });
});

describe("what happens to a host", () => {
  test("is nothing while no session owns it", async () => {
    expect((await api.call("GET", "/status/cmp-02")).body).toEqual({
      host: "cmp-02",
      service: expect.objectContaining({ status: "enabled" }),
      session_id: null,
    });
  });

  test("is told by the session that owns it, here and in the list", async () => {
    const { body } = await api.call("POST", "/v1/maintenance", { body: { hosts: ["cmp-03"] } });
    const sessionId: string = body.session_id;
    const claim = { sessionId, host: "cmp-03", deviceId: "device-03", plugins: [], now: NOW };
    await ownership(api.table).claim({ run_id: sessionId, generation: 1 }, [claimHost(claim)]);

    expect((await api.call("GET", "/status/cmp-03")).body).toMatchObject({
      host: "cmp-03",
      session_id: sessionId,
      state: "MAINTENANCE",
      phase: "WAITING",
      created_by: "admin",
    });
    expect((await show("cmp-03")).body.session_id).toBe(sessionId);
    // The list may be a moment behind.
    await vi.waitFor(async () => {
      const { hosts }: { hosts: { name: string; session_id: string | null }[] } = (await list())
        .body;

      expect(hosts.filter(({ session_id }) => session_id !== null)).toMatchObject([
        { name: "cmp-03", session_id: sessionId },
      ]);
    }, 10_000);
  });

  test("is told by the session that left it out of service, also once that is over", async () => {
    const { service } = aDevice("any");
    const name = "cmp-04";
    const { body } = await api.call("POST", "/v1/maintenance", { body: { hosts: ["cmp-01"] } });
    const id: string = body.session_id;
    const claim = { sessionId: id, host: name, deviceId: "device-04", plugins: [], now: NOW };
    const failed = leavingForHuman(claimHost(claim), NOW, "webhook failed");
    await ownership(api.table).claim({ run_id: id, generation: 1 }, [failed]);
    await ownership(api.table).release(id, ["device-04"]);
    const disabled = (disabled_reason: string) =>
      ({ ...service, status: "disabled", disabled_reason }) as const;
    const device = aDevice(name, { id: "device-04", service: disabled(disabledReason(id, "")) });
    await hostStore(api.table).create(device);

    expect((await api.call("GET", `/status/${name}`)).body).toMatchObject({
      session_id: id,
      outcome: "failed",
      details: "webhook failed",
      attention: [{ code: "host_failed", host: name }],
    });

    const foreign = { ...device, version: 2, service: disabled(`lull:${crypto.randomUUID()}`) };
    await hostStore(api.table).replace(foreign);
    expect((await api.call("GET", `/status/${name}`)).body.session_id).toBeNull();
  });

  test("is 404 for a host that the inventory has not", async () => {
    expect((await api.call("GET", "/status/cmp-99")).status).toBe(404);
    expect((await api.call("GET", `/status/${"x".repeat(3_000)}`)).status).toBe(404);
  });
});

describe("a sync", () => {
  test("is asked for, and then can be looked at", async () => {
    const { status, body } = await api.call("POST", "/v1/sync");

    expect(status).toBe(202);
    expect(body).toMatchObject({ state: "REQUESTED", finished_at: null, error: null });
    expect((await api.call("GET", `/v1/sync/${body.sync_id}`)).body).toEqual(body);
    await syncStore(api.table).finish({ ...body, schema: 1, state: "DONE", seen: 6 });
    expect((await api.call("GET", `/v1/sync/${body.sync_id}`)).body).toMatchObject({
      state: "DONE",
      seen: 6,
    });
  });

  test("that nobody asked for is 404", async () => {
    expect((await api.call("GET", `/v1/sync/${crypto.randomUUID()}`)).status).toBe(404);
  });
});

test("the API says that it is up to anybody", async () => {
  expect(await api.call("GET", "/v1/healthz", { as: null })).toMatchObject({
    status: 200,
    body: { status: "ok" },
  });
});

test.each([
  "/",
  "/v1",
  "/v2/hosts",
  "/v1/host",
  "/v1/hosts/cmp-01/instances",
  "/v1/maintenance//detail",
])("there is nothing at %s", async (path) => {
  expect((await api.call("GET", path)).status).toBe(404);
});

test("a trailing slash below a list is the thing itself", async () => {
  expect(await show("cmp-01/")).toMatchObject({ status: 200, body: { name: "cmp-01" } });
});
