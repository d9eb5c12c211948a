import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claimHost } from "../../lib/domain/host-run.ts";
import { hookStore } from "../../lib/store/hooks.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { runStore } from "../../lib/store/runs.ts";
import { aDevice } from "../domain/builders.ts";
import { type Api, startApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  const hosts = hostStore(api.table);
  const { service } = aDevice("any");
  await hosts.create(aDevice("cmp-01"));
  await hosts.create(aDevice("cmp-02"));
  await hosts.create(aDevice("cmp-03", { service: { ...service, status: "disabled" } }));
});
afterAll(() => api.close());

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const aBody = (but: object = {}) => ({ hosts: ["cmp-01"], maintenance_at: inMinutes(60), ...but });

const create = (but: object = {}, headers: Record<string, string> = {}) =>
  api.call("POST", "/v1/maintenance", { body: aBody(but), headers });
const created = async (but: object = {}): Promise<string> => (await create(but)).body.session_id;
const show = (id: string, more = "") => api.call("GET", `/v1/maintenance/${id}${more}`);

/** Every id of the list, page by page. */
const listAll = async (limit = 500): Promise<string[]> => {
  const ids: string[] = [];
  let query = `limit=${limit}`;
  for (;;) {
    const { body } = await api.call("GET", `/v1/maintenance?${query}`);
    ids.push(...body.sessions);
    if (body.next_cursor === null) return ids;
    query = `limit=${limit}&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
};

/** A problem as its status, code and the places and codes of what is wrong. */
const problemOf = ({ status, headers, body }: Awaited<ReturnType<typeof create>>) => {
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({ type: "about:blank", status, detail: expect.any(String) });
  const errors: { path: string; code: string }[] = body.errors ?? [];
  return { status, code: body.code, errors: errors.map(({ path, code }) => `${path} ${code}`) };
};

describe("creating a session", () => {
  test("answers its id, and the session is there, waiting, with its run and first event", async () => {
    const { status, body } = await create({ reason: "disks" });
    const id = body.session_id;

    expect(status).toBe(200);
    expect((await show(id)).body).toMatchObject({
      session_id: id,
      state: "MAINTENANCE",
      control: "running",
      percent_done: 0,
      attention: [],
    });
    expect(await runStore(api.table).get(id)).toMatchObject({ machine: "session", generation: 1 });
    expect((await show(id, "/events")).body.events).toMatchObject([
      { type: "maintenance.session", sequence: 1 },
    ]);
  });

  test.fails("names hosts as the inventory spells them", async () => {
    const answer = await create({ hosts: ["cmp-01", "CMP-01"] });

    expect(problemOf(answer)).toMatchObject({ status: 422, errors: ["hosts.1 host_unknown"] });
  });

  test("without a time starts now", async () => {
    const before = new Date().toISOString();
    const id = await created({ maintenance_at: undefined });
    const { maintenance_at } = (await show(id)).body;

    expect(maintenance_at >= before).toBe(true);
  });

  test("takes a Fenix client's body", async () => {
    const maintenance_at = inMinutes(60).slice(0, 19).replace("T", " ");
    const id = await created({ state: "MAINTENANCE", maintenance_at, workflow: "vnf" });

    expect((await show(id)).body.maintenance_at).toBe(`${maintenance_at.replace(" ", "T")}.000Z`);
  });

  test.each([
    ["no JSON", "{hosts", []],
    ["no object", "[]", [" invalid_type"]],
    ["nothing", "", []],
    ["a field nobody knows", { host: "cmp-01" }, [" unrecognized_keys"]],
    ["a time that is none", { maintenance_at: "soon" }, ["maintenance_at invalid_union"]],
    ["hosts as a string", { hosts: "cmp-01" }, ["hosts invalid_type"]],
    ["no host at once", { max_parallel_hosts: 0 }, ["max_parallel_hosts too_small"]],
    [
      "metadata larger than a row",
      { metadata: { a: "x".repeat(500_000) } },
      ["metadata.a too_big"],
    ],
  ])("with %s is 400 and names the field", async (_, given, errors) => {
    const body = typeof given === "string" ? given : aBody(given);
    const answer = await api.call("POST", "/v1/maintenance", {
      body,
      headers: { "content-type": "application/json" },
    });

    expect(problemOf(answer)).toEqual({ status: 400, code: "invalid", errors });
  });

  test.each([
    ["an unknown host", { hosts: ["cmp-01", "cmp-99"] }, "hosts.1 host_unknown"],
    ["a disabled target", { targets: ["cmp-03"] }, "targets.0 target_disabled"],
    ["an unknown target", { targets: ["cmp-99"] }, "targets.0 host_unknown"],
    ["a start in the past", { maintenance_at: inMinutes(-6) }, "maintenance_at in_the_past"],
    ["an end before the start", { ends_at: inMinutes(30) }, "ends_at before_start"],
    [
      "a webhook without a URL",
      { actions: [{ plugin: "webhook" }] },
      "actions.0.metadata.url url_missing",
    ],
  ])("with %s is 422, names the place, and stores nothing", async (_, but, error) => {
    const before = await listAll();

    expect(problemOf(await create(but))).toEqual({ status: 422, code: "blocked", errors: [error] });
    expect(await listAll()).toEqual(before);
  });

  test.each([{ hosts: [] }, { hosts: undefined }])(
    "with %j is 422: it would mean every host",
    async (but) => {
      expect(problemOf(await create(but))).toMatchObject({
        status: 422,
        errors: ["hosts hosts_empty"],
      });
    },
  );
});

describe("an Idempotency-Key", () => {
  const withKey = (key: string, body: string) =>
    api.call("POST", "/v1/maintenance", { body, headers: { "idempotency-key": key } });
  const body = JSON.stringify(aBody());

  test("with the same body is the same session", async () => {
    const first = await withKey("key-1", body);
    const before = await listAll();

    expect((await withKey("key-1", body)).body).toEqual(first.body);
    expect(await listAll()).toEqual(before);
  });

  test("at once twice is one session", async () => {
    const answers = await Promise.all([withKey("key-2", body), withKey("key-2", body)]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
  });

  test("with another body is refused", async () => {
    await withKey("key-3", body);

    expect(problemOf(await withKey("key-3", JSON.stringify(aBody({ reason: "other" }))))).toEqual({
      status: 422,
      code: "invalid",
      errors: ["Idempotency-Key key_reused"],
    });
  });

  test("that is no key is refused before anything is stored", async () => {
    const before = await listAll();

    expect((await withKey("x".repeat(256), body)).status).toBe(400);
    expect(await listAll()).toEqual(before);
  });

  test("of a request that was refused may be used for the right one", async () => {
    await withKey("key-4", JSON.stringify(aBody({ hosts: ["cmp-99"] })));

    expect((await withKey("key-4", body)).status).toBe(200);
  });
});

describe("the list of sessions", () => {
  test("names each under both of Fenix's names, with what it is about", async () => {
    const id = await created({ reason: "disks" });
    const { body } = await api.call("GET", "/v1/maintenance?limit=1");

    expect(body).toMatchObject({
      sessions: [id],
      session_id: [id],
      maintenance: [{ session_id: id, state: "MAINTENANCE", reason: "disks", hosts: 1 }],
    });
  });

  test("is paged, each session once, newest first", async () => {
    const newest = [await created(), await created()].toReversed();

    expect((await listAll(2)).slice(0, 2)).toEqual(newest);
    expect(await listAll(2)).toEqual(await listAll());
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
        expect(problemOf(await show(id, more))).toMatchObject({ status: 404, code: "not_found" });
  });

  test("is told in detail, host by host", async () => {
    const id = await created({ hosts: ["cmp-02", "cmp-01"], targets: ["cmp-02"] });
    const { body } = await show(id, "/detail");

    expect(body).toMatchObject({
      session_id: id,
      control: "running",
      session: { state: "MAINTENANCE", targets: ["cmp-02"], created_by: "admin" },
      hosts: [
        { hostname: "cmp-01", type: "compute", phase: "WAITING", maintained: false },
        { hostname: "cmp-02", type: "compute", phase: "WAITING", maintained: false },
      ],
      instances: [],
      action_plugin_instances: [],
    });
  });

  test("has a history that is paged", async () => {
    const id = await created();
    await api.call("DELETE", `/v1/maintenance/${id}`);
    const first = (await show(id, "/events?limit=1")).body;
    const second = (await show(id, `/events?limit=1&cursor=${first.next_cursor}`)).body;

    expect([...first.events, ...second.events]).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
    expect((await show(id, "/events?cursor=E%232026")).status).toBe(400);
  });

  test("is aborted by DELETE, also with a JSON type and no body, and twice is once", async () => {
    const id = await created();
    const headers = { "content-type": "application/json" };
    const remove = () => api.call("DELETE", `/v1/maintenance/${id}`, { headers });

    expect(await remove()).toMatchObject({ status: 200, body: {} });
    expect((await remove()).status).toBe(200);
    expect((await show(id)).body.control).toBe("aborting");
    expect((await show(id, "/events")).body.events).toHaveLength(2);
  });

  test("that is aborted stays listed: its hosts are still being put back", async () => {
    const id = await created();
    await api.call("DELETE", `/v1/maintenance/${id}`);

    expect(await listAll()).toContain(id);
  });

  test("that is not there cannot be deleted", async () => {
    expect((await api.call("DELETE", `/v1/maintenance/${crypto.randomUUID()}`)).status).toBe(404);
  });
});

describe("the release of a host", () => {
  const release = (id: string, host: string) =>
    api.call("POST", `/v1/maintenance/${id}/hosts/${host}/release`);

  /** A session that owns cmp-01, where a hold may be at work. */
  const heldSession = async (state: "RUNNING" | "PENDING") => {
    const sessionId = await created({ actions: [{ plugin: "hold" }] });
    const host = "cmp-01";
    const claim = claimHost({ sessionId, host, deviceId: sessionId, plugins: ["hold"], now: "" });
    const action = { plugin: "hold", state, hook_id: sessionId, started_at: null, details: null };
    const session = { run_id: sessionId, generation: 1 };
    await ownership(api.table).claim(session, [{ ...claim, actions: [action] }]);
    await hookStore(api.table).add({
      schema: 1,
      hook_id: sessionId,
      secrets_sha256: [],
      run_id: sessionId,
      session_id: sessionId,
      host,
      expires_at: inMinutes(60),
      answer: null,
    });
    return sessionId;
  };

  test("ends its hold, once, and says who did", async () => {
    const id = await heldSession("RUNNING");

    expect((await release(id, "cmp-01")).status).toBe(200);
    expect((await hookStore(api.table).get(id)).answer).toMatchObject({
      state: "DONE",
      details: "released by admin",
    });
    expect((await release(id, "cmp-01")).status).toBe(409);
  });

  test("that nothing holds is a conflict, and of a host not in the session is not found", async () => {
    const id = await heldSession("PENDING");

    expect(problemOf(await release(id, "cmp-01"))).toMatchObject({ status: 409, code: "conflict" });
    expect((await release(id, "cmp-02")).status).toBe(404);
    expect((await hostRunStore(api.table).get(id, "cmp-01")).phase).toBe("WAITING");
  });
});
