import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import type { HostRun } from "../../lib/domain/host-run.ts";
import { hookStore } from "../../lib/store/hooks.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { runStore } from "../../lib/store/runs.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { NOW } from "../domain/builders.ts";
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

const because = (reason: string) => ({ body: { reason } });
const conflict = { status: 409, code: "conflict" };
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status);
const eventsOf = async (id: string) => (await api.show(id, "/events")).body.events;
const hostOf = (id: string, host = "cmp-01") => hostRunStore(api.table).get(id, host);

const finished = (outcome: HostRun["outcome"]) =>
  ({ phase: "FINISHED", outcome, finished_at: NOW }) as const;

/** A session with one host, which ended like this; over and done with. */
const overWith = async (outcome: HostRun["outcome"]) => {
  const id = await api.created();
  await api.claim(id, "cmp-01", finished(outcome));
  await api.end(id);
  return id;
};

describe("a session", () => {
  test("is paused and resumed, with who and why, and its history tells", async () => {
    const id = await api.created();
    const paused = await api.order(id, "pause", because("storm ahead"));
    const resumed = await api.order(id, "resume");

    expect(paused).toMatchObject({
      status: 200,
      body: {
        session_id: id,
        control: "paused",
        holds: [{ code: "operator", by: "admin", reason: "storm ahead" }],
        attention: [{ code: "paused", message: "paused by admin: storm ahead" }],
      },
    });
    expect(resumed.body).toMatchObject({ control: "running", holds: [], attention: [] });
    expect((await eventsOf(id)).map(({ detail }: { detail: object }) => detail)).toMatchObject([
      { control: "running", holds: [], aborted: null },
      {
        control: "paused",
        holds: [{ by: "admin" }],
        order: { what: "pause", host: null, by: "admin", reason: "storm ahead" },
      },
      { control: "running", holds: [], order: { what: "resume", by: "admin", reason: "" } },
    ]);
  });

  test("that is paused, resumed or aborted twice changes once", async () => {
    const id = await api.created();
    for (const what of ["pause", "pause", "resume", "resume", "abort", "abort"])
      expect((await api.order(id, what, because("storm"))).status).toBe(200);

    expect(await eventsOf(id)).toHaveLength(4);
  });

  test("is paused by each person once, also by whoever holds the break-glass token", async () => {
    const id = await api.created();
    await api.order(id, "pause", because("storm"));
    const as = "holder of the break-glass token";
    const { body } = await api.order(id, "pause", { as, ...because("Keystone is down") });

    expect(body.holds.map(({ by }: { by: string }) => by)).toEqual(["admin", "break-glass"]);
    expect((await api.order(id, "resume", { as })).body.holds).toEqual([]);
  });

  test("is aborted for good, and the answer says what stays changed", async () => {
    const id = await api.created();
    await api.claim(id, "cmp-01", finished("failed"));
    const { status, body } = await api.order(id, "abort", because("wrong hosts"));

    expect(status).toBe(200);
    expect(body).toMatchObject({
      control: "aborting",
      aborted: { by: "admin", reason: "wrong hosts" },
      stays_changed: ["cmp-01 stays disabled and silenced until it is released"],
    });
    expect((await api.show(id, "/detail")).body.stays_changed).toEqual(body.stays_changed);
    expect(problemOf(await api.order(id, "pause", because("storm")))).toMatchObject(conflict);
    expect(problemOf(await api.order(id, "resume"))).toMatchObject(conflict);
  });

  test("that is over can be neither paused, resumed nor aborted", async () => {
    const id = await overWith("maintained");

    for (const what of ["pause", "resume", "abort"]) {
      const answer = await api.order(id, what, because("too late"));
      expect(problemOf(answer)).toMatchObject(conflict);
      expect(answer.body.detail).toContain("is over");
    }
  });

  test("that was aborted by DELETE says so", async () => {
    const id = await api.created();
    await api.call("DELETE", `/v1/maintenance/${id}`);

    expect((await api.show(id)).body).toMatchObject({
      control: "aborting",
      aborted: { by: "admin", reason: "deleted" },
    });
  });

  test.each(["pause", "abort"])("is not asked to %s without a reason", async (what) => {
    const id = await api.created();

    for (const body of [undefined, {}, { reason: "" }, { reason: "x".repeat(201) }])
      expect((await api.order(id, what, { body })).status).toBe(400);
    expect(problemOf(await api.order(id, what, { body: { reason: "x", force: true } }))).toEqual({
      status: 400,
      code: "invalid",
      errors: [" unrecognized_keys"],
    });
    expect(await eventsOf(id)).toHaveLength(1);
  });

  test("that is not there is not found by any order", async () => {
    for (const what of ["pause", "resume", "abort", "hosts/cmp-01/retry", "hosts/cmp-01/release"])
      expect((await api.order(crypto.randomUUID(), what, because("x"))).status).toBe(404);
  });

  test("says what it came to once it is over", async () => {
    const id = await overWith("maintained");

    expect((await api.show(id)).body.result).toBe("done");
    expect((await api.show(id, "/detail")).body.result).toBe("done");
    expect((await api.show(await api.created())).body.result).toBeNull();
  });

  test("paused while it closes is paused first, or told that it is over", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await api.created();
      const [, { status, body }] = await Promise.all([
        api.end(id),
        api.order(id, "pause", because("storm")),
      ]);
      const session = await sessionStore(api.table).get(id);

      expect(session.closed_at).not.toBeNull();
      expect(session.holds).toHaveLength(status === 200 ? 1 : 0);
      if (status !== 200) expect({ status, detail: body.detail }).toMatchObject({ status: 409 });
    }
  });

  test("aborted by two at once has one who did it", async () => {
    const id = await api.created();
    const answers = await Promise.all(
      ["first", "second"].map((word) => api.order(id, "abort", because(word))),
    );
    const reasons = answers.map(({ body }) => body.aborted.reason);

    expect(statusesOf(answers)).toEqual([200, 200]);
    expect(new Set(reasons).size).toBe(1);
    expect(await eventsOf(id)).toHaveLength(2);
  });
});

describe("the retry of a host", () => {
  test("that failed starts it over in its session, which is open again", async () => {
    const id = await overWith("failed");
    const { status, body } = await api.order(id, "hosts/cmp-01/retry", because("new DIMM"));

    expect((await eventsOf(id)).at(-1).detail.order).toEqual({
      what: "retry",
      host: "cmp-01",
      by: "admin",
      reason: "new DIMM",
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ session_id: id, result: null, percent_done: 0 });
    expect(await hostOf(id)).toMatchObject({ phase: "DISABLING", outcome: null });
    expect(await runStore(api.table).get(id)).toMatchObject({ status: "active", generation: 2 });
    expect((await api.show(id)).body.state).not.toBe("MAINTENANCE_FAILED");
  });

  test("twice at once starts it over once, and the other is told where it is", async () => {
    const id = await overWith("restored");
    const answers = await Promise.all([1, 2, 3].map(() => api.order(id, "hosts/cmp-01/retry")));

    expect(statusesOf(answers).toSorted()).toEqual([200, 409, 409]);
    for (const { body } of answers.filter(({ status }) => status === 409))
      expect(body.detail).toContain("cmp-01 is DISABLING");
  });

  test("that is being emptied has its stuck instances tried anew", async () => {
    const id = await api.created();
    const run = await api.claim(id, "cmp-01", { phase: "MOVING" });
    const { status } = await api.order(id, "hosts/cmp-01/retry");

    expect(status).toBe(200);
    expect((await sessionStore(api.table).get(id)).retried).toHaveProperty("cmp-01");
    expect(await hostOf(id)).toEqual(run);
  });

  test.each([
    ["waits", { phase: "WAITING", run_id: null }],
    ["is in work", { phase: "IN_MAINTENANCE" }],
    ["is maintained", finished("maintained")],
    ["is retired", finished("retired")],
  ] as const)("that %s is a conflict", async (_, as) => {
    const id = await api.created();
    const run = await api.claim(id, "cmp-01", as);

    expect(problemOf(await api.order(id, "hosts/cmp-01/retry"))).toMatchObject(conflict);
    expect(await hostOf(id)).toEqual(run);
  });

  test("of a session that was aborted is a conflict that says so", async () => {
    const id = await api.created();
    await api.claim(id, "cmp-01", finished("failed"));
    await api.order(id, "abort", because("wrong hosts"));

    const answer = await api.order(id, "hosts/cmp-01/retry");
    expect(problemOf(answer)).toMatchObject(conflict);
    expect(answer.body.detail).toContain("aborted");
  });
});

describe("the release of a host", () => {
  /** A session with cmp-01 in work under a hold, which is RUNNING or not. */
  const held = async (state: "RUNNING" | "PENDING") => {
    const id = await api.created({ actions: [{ plugin: "hold" }] });
    const hook_id = id.replaceAll("-", "");
    await api.claim(id, "cmp-01", {
      phase: "IN_MAINTENANCE",
      actions: [{ plugin: "hold", state, hook_id, started_at: null, details: null }],
    });
    await hookStore(api.table).add({
      schema: 1,
      hook_id,
      secrets_sha256: [],
      run_id: id,
      session_id: id,
      host: "cmp-01",
      expires_at: inMinutes(60),
      answer: null,
    });
    return { id, answer: async () => (await hookStore(api.table).get(hook_id)).answer };
  };

  test("ends its hold, once, and says who did and why", async () => {
    const { id, answer } = await held("RUNNING");
    const first = await api.order(id, "hosts/cmp-01/release", because("new DIMM"));

    expect(first).toMatchObject({ status: 200, body: { session_id: id } });
    expect(await answer()).toMatchObject({ state: "DONE", details: "released by admin: new DIMM" });
    expect((await api.order(id, "hosts/cmp-01/release")).status).toBe(409);
  });

  test("of whom nothing was asked yet is a conflict, and of a host not in the session not found", async () => {
    const { id, answer } = await held("PENDING");

    expect(problemOf(await api.order(id, "hosts/cmp-01/release"))).toMatchObject(conflict);
    expect(await answer()).toBeNull();
    expect((await api.order(id, "hosts/cmp-02/release")).status).toBe(404);
  });

  test("that failed has it verified and put back, also in a session that is over or aborted", async () => {
    const id = await api.created();
    await api.claim(id, "cmp-01", finished("failed"));
    await api.order(id, "abort", because("enough"));
    await api.end(id);
    const { status, body } = await api.order(id, "hosts/cmp-01/release");

    expect(status).toBe(200);
    expect(body).toMatchObject({ control: "aborting", result: null });
    expect(await hostOf(id)).toMatchObject({
      phase: "VERIFYING",
      outcome: "released",
      details: "released by admin",
    });
  });

  test("that another session has by now is a conflict that names it", async () => {
    const device_id = crypto.randomUUID();
    const [id, other] = [await api.created(), await api.created()];
    await api.claim(id, "cmp-01", { ...finished("failed"), device_id });
    await api.end(id);
    await api.claim(other, "cmp-01", { device_id });
    const answer = await api.order(id, "hosts/cmp-01/release");

    expect(problemOf(answer)).toMatchObject(conflict);
    expect(answer.body.detail).toContain(other);
    expect((await hostOf(id)).phase).toBe("FINISHED");
  });

  test("and its retry at once: one of the two, and the other is told", async () => {
    const id = await overWith("failed");
    const answers = await Promise.all([
      api.order(id, "hosts/cmp-01/release"),
      api.order(id, "hosts/cmp-01/retry"),
    ]);

    expect(statusesOf(answers).toSorted()).toEqual([200, 409]);
    expect((await hostOf(id)).phase).toBe(answers[0]?.status === 200 ? "VERIFYING" : "DISABLING");
  });
});

describe("an override", () => {
  const CONCERNED = "project-1";
  const FOREIGN = "project-2";

  /** A session that another admin opened and that concerns one project; who of them is told of an override. */
  const told = async (project: string) => {
    const id = await api.created();
    await sessionStore(api.table).change(id, (seen) => {
      const next = { ...seen, created_by: "another admin", sequence: seen.sequence + 1 };
      return { next, event: maintenanceSession(next, 0, NOW) };
    });
    await sessionProjectStore(api.table).add({
      schema: 1,
      session_id: id,
      project_id: CONCERNED,
      created_at: NOW,
      instance_ids: [],
    });
    for (const reason of ["agreed with their boss", "again"]) {
      const { status } = await api.order(id, `projects/${project}/override`, because(reason));
      expect(status).toBe(200);
    }
    const events: { type: string; detail: unknown }[] = await eventsOf(id);
    return events.filter(({ type }) => type === "maintenance.override");
  };

  test("is told to its project once, without who gave it and why", async () => {
    const events = await told(CONCERNED);

    expect(events).toMatchObject([{ detail: { project_id: CONCERNED, state: "OVERRIDDEN" } }]);
    expect(JSON.stringify(events)).not.toMatch(/admin|boss/);
  });

  test("of a project that the session does not concern is told to nobody", async () => {
    expect(await told(FOREIGN)).toEqual([]);
  });
});
