import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGroup, readInstance } from "../../lib/domain/constraints.ts";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import type { Move } from "../../lib/domain/move.ts";
import { hostIdOf } from "../../lib/openstack/compute/host-id.ts";
import { askStore } from "../../lib/store/asks.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { aMove, anAsk, NOW } from "../domain/builders.ts";
import type { Persona } from "./api.ts";
import { type MaintenanceApi, problemOf, startMaintenanceApi } from "./maintenance-api.ts";

let api: MaintenanceApi;
let alpha: string;
let beta: string;
beforeAll(async () => {
  api = await startMaintenanceApi();
  alpha = idOf("alpha");
  beta = idOf("beta");
});
afterAll(() => api.close());

const idOf = (name: string): string =>
  api.cloud.world.projects.find((project) => project.name === name)?.id ?? "";

const get = (path: string, as: Persona = "project member") => api.call("GET", path, { as });

/** Has the session tell the project of an instance on one of its hosts, as the host's run does. */
const tell = async (sessionId: string, project_id: string, move: Partial<Move>) => {
  const { created_at } = await sessionStore(api.table).get(sessionId);
  await sessionProjectStore(api.table).add({
    schema: 1,
    session_id: sessionId,
    project_id,
    created_at,
    instance_ids: [],
  });
  await moveStore(api.table).put(
    { run_id: sessionId, generation: 1 },
    aMove({ session_id: sessionId, project_id, host: "cmp-01", ...move }),
  );
};

const sessionOf = async (moves: readonly (Partial<Move> & { project_id: string })[]) => {
  const id = await api.created({ reason: "the fan of cmp-01", ends_at: null });
  await api.claim(id, "cmp-01", { phase: "MOVING", details: "cmp-02 has no room" });
  for (const { project_id, ...move } of moves) await tell(id, project_id, move);
  return id;
};

const listed = async (query = "", as: Persona = "project member"): Promise<string[]> =>
  (await get(`/v1/maintenance${query}`, as)).body.maintenance.map(
    ({ session_id }: { session_id: string }) => session_id,
  );

describe("the list of a project", () => {
  test("has the sessions that concern it, the newest first, and no others", async () => {
    const first = await sessionOf([{ project_id: alpha, instance_id: "a1", state: "moved" }]);
    const others = await sessionOf([{ project_id: beta, instance_id: "b1" }]);
    const untold = await api.created();
    const second = await sessionOf([
      { project_id: alpha, instance_id: "a1" },
      { project_id: beta, instance_id: "b1" },
    ]);
    const ids = await listed();

    expect(ids.slice(0, 2)).toEqual([second, first]);
    expect(ids).not.toContain(others);
    expect(ids).not.toContain(untold);
    const { body } = await get("/v1/maintenance?limit=1");
    expect(body).toEqual({
      project_id: alpha,
      maintenance: [
        {
          session_id: second,
          state: "PLANNED_MAINTENANCE",
          maintenance_at: expect.any(String),
          ends_at: null,
          reply_at: null,
          instances_by_state: { waiting: 1 },
          overridden_at: null,
          created_at: expect.any(String),
        },
      ],
      next_cursor: expect.any(String),
    });
    expect((await listed(`?limit=1&cursor=${body.next_cursor}`))[0]).toBe(first);
  });

  test("may be asked for by name, and only by readers of the fleet for another project", async () => {
    const id = await sessionOf([{ project_id: beta, instance_id: "b1" }]);

    expect(await listed(`?project=${alpha}`)).toEqual(await listed());
    expect(problemOf(await get(`/v1/maintenance?project=${beta}`))).toMatchObject({ status: 403 });
    expect(problemOf(await get(`/v1/maintenance?project=${alpha},${beta}`))).toMatchObject({
      status: 400,
    });
    for (const reader of ["admin", "auditor", "system reader"] as const)
      expect(await listed(`?project=${beta}`, reader)).toContain(id);
  });

  test("is not what readers of the fleet get who name no project", async () => {
    const id = await api.created();
    const { body } = await get("/v1/maintenance", "auditor");

    expect(body.sessions).toContain(id);
    expect(body.maintenance[0]).toMatchObject({ hosts: 1, control: "running" });
  });

  test("leaves out what an admin has hidden", async () => {
    const id = await sessionOf([{ project_id: alpha, instance_id: "a1" }]);
    await api.end(id);
    expect(await listed()).toContain(id);
    await api.call("DELETE", `/v1/maintenance/${id}`);

    expect(await listed()).not.toContain(id);
  });
});

describe("a project's view of a session", () => {
  test("has its own instances, and Nova's word for the host they have to leave", async () => {
    const id = await sessionOf([
      { project_id: alpha, instance_id: "a2", instance_name: "db", state: "blocked" },
      { project_id: beta, instance_id: "b1" },
      { project_id: alpha, instance_id: "a1", instance_name: "web", destination_host: "cmp-02" },
    ]);
    const { status, body } = await get(`/v1/maintenance/${id}/${alpha}`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      session_id: id,
      project_id: alpha,
      state: "PLANNED_MAINTENANCE",
      instance_ids: ["a1", "a2"],
      instances_by_state: { waiting: 1, blocked: 1 },
      next_cursor: null,
    });
    expect(body.instances[0]).toEqual({
      instance_id: "a1",
      instance_name: "web",
      action: "LIVE_MIGRATE",
      state: "waiting",
      hostId: hostIdOf(alpha, "cmp-01"),
      started_at: null,
      finished_at: null,
    });
  });

  test("comes in pages, with all ids on each", async () => {
    const ids = ["a1", "a2", "a3", "a4", "a5"];
    const id = await sessionOf(ids.map((instance_id) => ({ project_id: alpha, instance_id })));
    const seen: string[][] = [];
    let query = "";
    for (;;) {
      const { body } = await get(`/v1/maintenance/${id}/${alpha}?limit=2${query}`);
      expect(body.instance_ids).toEqual(ids);
      seen.push(body.instances.map((one: { instance_id: string }) => one.instance_id));
      if (body.next_cursor === null) break;
      query = `&cursor=${body.next_cursor}`;
    }

    expect(seen).toEqual([["a1", "a2"], ["a3", "a4"], ["a5"]]);
  });

  test("is not found where the session does not concern it, whether or not there is one", async () => {
    const others = await sessionOf([{ project_id: beta, instance_id: "b1" }]);
    const foreign = await get(`/v1/maintenance/${others}/${alpha}`);
    const unknown = await get(`/v1/maintenance/${crypto.randomUUID()}/${alpha}`);

    expect(problemOf(foreign)).toMatchObject({ status: 404 });
    expect(foreign.body).toEqual(unknown.body);
  });

  test("is nobody else's, but readers of the fleet may look", async () => {
    const id = await sessionOf([{ project_id: beta, instance_id: "b1" }]);

    expect((await get(`/v1/maintenance/${id}/${beta}`)).status).toBe(403);
    expect((await get(`/v1/maintenance/${id}/${beta}`, "system reader")).status).toBe(200);
    expect((await get(`/v1/maintenance/${id}/${beta}`, "system member")).status).toBe(403);
  });
});

describe("the status of a host by Nova's word for it", () => {
  const statusOf = (hostId: string, as?: Persona) => get(`/status/project/${hostId}`, as);

  test("tells what happens to it and to the project's instances", async () => {
    const id = await sessionOf([
      { project_id: alpha, instance_id: "a1" },
      { project_id: beta, instance_id: "b1" },
    ]);
    const { body } = await statusOf(hostIdOf(alpha, "cmp-01"));

    expect(body).toMatchObject({ state: "moving_away", hostId: hostIdOf(alpha, "cmp-01") });
    expect(body.instances.map((one: { instance_id: string }) => one.instance_id)).toEqual(["a1"]);
    await api.end(id);
  });

  test("looks alike for what is foreign and what does not exist", async () => {
    await sessionOf([{ project_id: beta, instance_id: "b1" }]);
    const unknown = await statusOf("0".repeat(56));

    expect(problemOf(unknown)).toMatchObject({ status: 404 });
    for (const foreign of [hostIdOf(beta, "cmp-01"), hostIdOf(alpha, "cmp-03")])
      expect((await statusOf(foreign)).body).toEqual(unknown.body);
    expect((await statusOf("cmp-01")).status).toBe(404);
  });

  test("is of open sessions only", async () => {
    const id = await sessionOf([{ project_id: alpha, instance_id: "a1", host: "cmp-02" }]);
    await api.claim(id, "cmp-02");
    expect((await statusOf(hostIdOf(alpha, "cmp-02"))).status).toBe(200);
    await api.end(id);

    expect((await statusOf(hostIdOf(alpha, "cmp-02"))).status).toBe(404);
  });

  test("is told to readers of the fleet for any project that they name", async () => {
    await sessionOf([{ project_id: beta, instance_id: "b1" }]);
    const path = `/status/project/${hostIdOf(beta, "cmp-01")}`;

    expect((await get(`${path}?project=${beta}`, "system reader")).status).toBe(200);
    expect((await get(path, "system reader")).status).toBe(404);
    expect((await get(`${path}?project=${beta}`)).status).toBe(403);
  });
});

/** Answers of so many requests are searched for what a project must not see. */
const REQUESTS = 1_000;
const BUSY = "the quarter's closing";

/** What beta has said about its instances, and answered in its session. */
const ofBeta = async (sessionId: string, instance: string, group: string): Promise<void> => {
  const caps = { lead_time: 3600, recovery_time: 3600, max_interruption_time: 3600 };
  const owned = (id: string) => ({ id, project_id: beta, now: NOW, caps });
  const { instances, groups } = constraintStore(api.table);
  await instances.put(readInstance({ group_id: group }, owned(instance)).constraints, 10);
  await groups.put(readGroup({ max_impacted_members: 1 }, owned(group)).constraints, 10);
  const session = await sessionStore(api.table).get(sessionId);
  const ask = anAsk({ session_id: sessionId, project_id: beta, instance_ids: [instance] });
  const asks = askStore(api.table);
  const event = maintenanceScheduled(session, ask, { publicUrl: "http://lull", hostId: null });
  await asks.open({ run_id: sessionId, generation: 1 }, ask, { event });
  const answer = { ack: false, at: NOW, by: "vnfm", actions: {}, not_before: null, override: null };
  await asks.answer(ask, { ...answer, reason: BUSY });
};

test("whatever a project asks, no answer names a host or has anything of another project", async () => {
  const foreign = { instance_id: crypto.randomUUID(), instance_name: "beta-database" };
  const both = await sessionOf([
    { project_id: alpha, instance_id: crypto.randomUUID(), details: "cmp-02 refused it" },
    { project_id: beta, ...foreign, destination_host: "cmp-02" },
  ]);
  const theirs = await sessionOf([{ project_id: beta, ...foreign }]);
  const group = crypto.randomUUID();
  await ofBeta(theirs, foreign.instance_id, group);
  const cursorOf = async (query: string) =>
    (await get(`/v1/maintenance?${query}`, "admin")).body.next_cursor;
  const cursors = [await cursorOf("limit=1"), await cursorOf(`limit=1&project=${beta}`)];
  const hosts = ["cmp-01", "cmp-02", "cmp-03"];
  const secrets = [...hosts, beta, theirs, group, foreign.instance_id, foreign.instance_name, BUSY];

  const words = ["v1", "maintenance", "status", "project", "hosts", "detail", "events", "pause"];
  const resources = ["instance", "instance_group", "subscriptions"];
  const ids = [both, theirs, alpha, beta, foreign.instance_id, group, ...hosts];
  const hostIds = hosts.flatMap((host) => [hostIdOf(alpha, host), hostIdOf(beta, host)]);
  const segment = fc.oneof(
    fc.constantFrom(...words, "effects", "sync", "freeze", "%2e%2e", "a%2Fb"),
    fc.constantFrom(...ids, ...hostIds),
    fc.string({ maxLength: 12 }).map(encodeURIComponent),
  );
  const known = fc.oneof(
    fc.constant(["v1", "maintenance"]),
    fc.tuple(fc.constantFrom(both, theirs), segment).map((rest) => ["v1", "maintenance", ...rest]),
    fc.tuple(fc.constantFrom(...hostIds)).map((rest) => ["status", "project", ...rest]),
    fc.tuple(fc.constantFrom(...resources), segment).map((rest) => ["v1", ...rest]),
    fc
      .tuple(fc.constantFrom(both, theirs), fc.constantFrom(alpha, beta), segment)
      .map((rest) => ["v1", "maintenance", ...rest]),
    fc.array(segment, { minLength: 1, maxLength: 6 }).map((rest) => ["v1", ...rest]),
    fc.array(segment, { maxLength: 4 }),
  );
  const value = fc.oneof(
    fc.constantFrom(...ids, ...cursors, `${alpha},${beta}`, "1", "500", "0"),
    fc.string({ maxLength: 20 }),
  );
  const pair = fc.tuple(fc.constantFrom("project", "limit", "cursor", "host", "region"), value);
  const requests = fc.record({
    method: fc.constantFrom("GET", "GET", "GET", "GET", "PUT", "POST", "DELETE"),
    path: known,
    query: fc.oneof(fc.constant([]), fc.array(pair, { maxLength: 3 })),
  });

  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, path, query }) => {
      const search = new URLSearchParams(query).toString();
      const answer = await api.call(method, `/${path.join("/")}?${search}`, {
        as: "project member",
      });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const text = JSON.stringify([answer.body, ...answer.headers]);

      expect(answer.status).toBeLessThan(500);
      for (const secret of secrets) expect(text).not.toContain(secret);
    }),
    { seed: 20_261_122, numRuns: REQUESTS },
  );
  // It asked well enough to be answered, and was refused in each way.
  for (const status of [200, 400, 403, 404]) expect(statuses.get(status)).toBeGreaterThan(20);
  expect(await hostRunStore(api.table).list(both)).toHaveLength(1);
});
