import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostRun } from "../../lib/domain/host-run.ts";
import { hookStore } from "../../lib/store/hooks.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { aDevice, NOW } from "../domain/builders.ts";
import {
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

const conflict = { status: 409, code: "conflict" };
const missing = { status: 404, code: "not_found" };

/** A host that no other test knows. */
const newHost = async (): Promise<string> => {
  const name = `cmp-${crypto.randomUUID()}`;
  await hostStore(api.table).create(aDevice(name));
  return name;
};

const set = (host: string, body: object = { reason: "DIMM" }) =>
  api.call("PUT", `/v1/hosts/${host}/maintenance`, { body });
const unset = (host: string) => api.call("DELETE", `/v1/hosts/${host}/maintenance`);
const sessionOf = (id: string) => sessionStore(api.table).get(id);
const runOf = (id: string, host: string) => hostRunStore(api.table).get(id, host);

/** A host that was set by hand and which its session has brought as far as told. */
const brought = async (as: Partial<HostRun>) => {
  const host = await newHost();
  const id: string = (await set(host)).body.session_id;
  await api.claim(id, host, { device_id: `device-${host}`, ...as });
  return { host, id };
};

/** The same, in work under its hold. */
const inWork = async () => {
  const hook_id = crypto.randomUUID().replaceAll("-", "");
  const action = { plugin: "hold", state: "RUNNING", hook_id, started_at: NOW, details: null };
  const { host, id } = await brought({ phase: "IN_MAINTENANCE", actions: [action as never] });
  await hookStore(api.table).add({
    schema: 1,
    hook_id,
    secrets_sha256: [],
    run_id: id,
    session_id: id,
    host,
    expires_at: inMinutes(60),
    answer: null,
  });
  return { host, id, answer: async () => (await hookStore(api.table).get(hook_id)).answer };
};

describe("setting a host by hand", () => {
  test("opens a session over it alone, which begins now and holds it", async () => {
    const host = await newHost();
    const { status, body } = await set(host, { reason: "DIMM", ttl_minutes: 90 });

    expect(status).toBe(200);
    expect(await sessionOf(body.session_id)).toMatchObject({
      hosts: [host],
      reason: "DIMM",
      actions: [{ plugin: "hold", metadata: { ttl_minutes: 90 } }],
      canary: false,
      reserve_hosts: 0,
      created_by: "admin",
    });
  });

  test("the same again is the same session, also at once", async () => {
    const host = await newHost();
    const answers = await Promise.all([set(host), set(host), set(host)]);
    answers.push(await set(host));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.session_id)).size).toBe(1);
  });

  test("otherwise while it is set is a conflict that names the session", async () => {
    const host = await newHost();
    const { session_id } = (await set(host)).body;
    const answer = await set(host, { reason: "fan" });

    expect(problemOf(answer)).toMatchObject(conflict);
    expect(answer.body.detail).toContain(session_id);
  });

  test("that another session owns is a conflict that names it", async () => {
    const host = await newHost();
    const id = await api.created({ hosts: [host] });
    await api.claim(id, host, { device_id: `device-${host}` });
    const answer = await set(host);

    expect(problemOf(answer)).toMatchObject(conflict);
    expect(answer.body.detail).toContain(id);
  });

  test("that was set before and is over opens a new session", async () => {
    const { host, id } = await brought({ phase: "FINISHED", outcome: "maintained" });
    await api.end(id);
    const { status, body } = await set(host);

    expect(status).toBe(200);
    expect(body.session_id).not.toBe(id);
  });

  test("that the inventory has not, or without a reason, is refused", async () => {
    expect(problemOf(await set("cmp-99"))).toMatchObject(missing);
    for (const body of [{}, { reason: "" }, { reason: "x", ttl_minutes: 0 }, { reason: "x", a: 1 }])
      expect((await set("cmp-01", body)).status).toBe(400);
  });

  test("for longer than the operator allows is refused by name", async () => {
    expect(problemOf(await set("cmp-01", { reason: "x", ttl_minutes: 241 }))).toMatchObject({
      status: 422,
      errors: ["actions.0.metadata.ttl_minutes out_of_range"],
    });
  });
});

describe("unsetting a host", () => {
  test("before its work began aborts its session", async () => {
    const { host, id } = await brought({ phase: "MOVING" });
    const { status, body } = await unset(host);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      session_id: id,
      control: "aborting",
      aborted: { by: "admin", reason: "unset by hand" },
    });
  });

  test("before its session claimed it, too", async () => {
    const host = await newHost();
    await set(host);

    expect((await unset(host)).body.control).toBe("aborting");
  });

  test("in work ends its hold", async () => {
    const { host, id, answer } = await inWork();
    const { status, body } = await unset(host);

    expect([status, body.session_id, body.control]).toEqual([200, id, "running"]);
    expect(await answer()).toMatchObject({ state: "DONE" });
  });

  test("whose hold was overdue has it verified and put back", async () => {
    const { host, id } = await brought({ phase: "FINISHED", outcome: "failed" });
    await api.end(id);

    expect((await unset(host)).status).toBe(200);
    expect(await runOf(id, host)).toMatchObject({ phase: "VERIFYING", outcome: "released" });
  });

  test("that is on its way back already leaves it at that", async () => {
    const { host, id } = await brought({ phase: "VERIFYING", work_ended_at: NOW });

    expect((await unset(host)).body).toMatchObject({ session_id: id, control: "running" });
  });

  test("that nobody has set, or that is back, is not found", async () => {
    const { host, id } = await brought({ phase: "FINISHED", outcome: "maintained" });
    await api.end(id);

    expect(problemOf(await unset(host))).toMatchObject(missing);
    expect(problemOf(await unset(await newHost()))).toMatchObject(missing);
  });

  test("that another session has is a conflict that names it", async () => {
    const host = await newHost();
    const id = await api.created({ hosts: [host] });
    await api.claim(id, host, { device_id: `device-${host}` });
    const answer = await unset(host);

    expect(problemOf(answer)).toMatchObject(conflict);
    expect(answer.body.detail).toContain(id);
    expect((await sessionOf(id)).control).toBe("running");
  });
});
