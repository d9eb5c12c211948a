import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runStore } from "../../lib/store/runs.ts";
import {
  aBody,
  inMinutes,
  type MaintenanceApi,
  problemOf,
  startMaintenanceApi,
} from "./maintenance-api.ts";

let api: MaintenanceApi;
beforeAll(async () => {
  api = await startMaintenanceApi();
});
afterAll(() => api.close());

describe("creating a session", () => {
  test("answers its id, and the session is there, waiting, with its run and first event", async () => {
    const { status, body } = await api.create({ reason: "disks" });
    const id = body.session_id;

    expect(status).toBe(200);
    expect((await api.show(id)).body).toMatchObject({
      session_id: id,
      state: "MAINTENANCE",
      control: "running",
      percent_done: 0,
      attention: [],
    });
    expect(await runStore(api.table).get(id)).toMatchObject({ machine: "session", generation: 1 });
    expect((await api.show(id, "/events")).body.events).toMatchObject([
      { type: "maintenance.session", sequence: 1 },
    ]);
  });

  test("names hosts as the inventory spells them", async () => {
    const answer = await api.create({ hosts: ["cmp-01", "CMP-01"] });

    expect(problemOf(answer)).toMatchObject({ status: 422, errors: ["hosts.1 host_unknown"] });
  });

  test("without a time starts now", async () => {
    const before = new Date().toISOString();
    const id = await api.created({ maintenance_at: undefined });
    const { maintenance_at } = (await api.show(id)).body;

    expect(maintenance_at >= before).toBe(true);
  });

  test("takes a Fenix client's body", async () => {
    const maintenance_at = inMinutes(60).slice(0, 19).replace("T", " ");
    const id = await api.created({ state: "MAINTENANCE", maintenance_at, workflow: "vnf" });

    expect((await api.show(id)).body.maintenance_at).toBe(
      `${maintenance_at.replace(" ", "T")}.000Z`,
    );
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
      { metadata: { a: "x".repeat(150_000) } },
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
    const before = await api.listAll();

    expect(problemOf(await api.create(but))).toEqual({
      status: 422,
      code: "blocked",
      errors: [error],
    });
    expect(await api.listAll()).toEqual(before);
  });

  test.each([{ hosts: [] }, { hosts: undefined }])(
    "with %j is 422: it would mean every host",
    async (but) => {
      expect(problemOf(await api.create(but))).toMatchObject({
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
    const before = await api.listAll();

    expect((await withKey("key-1", body)).body).toEqual(first.body);
    expect(await api.listAll()).toEqual(before);
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
    const before = await api.listAll();

    expect((await withKey("x".repeat(256), body)).status).toBe(400);
    expect(await api.listAll()).toEqual(before);
  });

  test("of a request that was refused may be used for the right one", async () => {
    await withKey("key-4", JSON.stringify(aBody({ hosts: ["cmp-99"] })));

    expect((await withKey("key-4", body)).status).toBe(200);
  });
});
