import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Ask } from "../../lib/domain/dialogue/ask.ts";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { askStore } from "../../lib/store/asks.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { anAsk } from "../domain/builders.ts";
import type { Persona } from "./api.ts";
import {
  inMinutes,
  type MaintenanceApi,
  problemOf,
  startMaintenanceApi,
} from "./maintenance-api.ts";

let api: MaintenanceApi;
let alpha: string;
beforeAll(async () => {
  api = await startMaintenanceApi();
  alpha = api.cloud.world.projects.find(({ name }) => name === "alpha")?.id ?? "";
});
afterAll(() => api.close());

const VM = crypto.randomUUID();
const OTHER = crypto.randomUUID();
const links = { publicUrl: "http://127.0.0.1:12347", hostId: null };

/** A session that has asked alpha. */
const asking = async (...asks: Partial<Ask>[]): Promise<string> => {
  const id = await api.created();
  const session = await sessionStore(api.table).get(id);
  await sessionProjectStore(api.table).add({
    schema: 1,
    session_id: id,
    project_id: alpha,
    created_at: session.created_at,
    instance_ids: [VM, OTHER],
  });
  for (const [n, but] of asks.entries()) {
    const ask = anAsk({
      session_id: id,
      project_id: alpha,
      ask_id: `ask-${n}`,
      run_id: id,
      instance_ids: [VM],
      reply_at: inMinutes(2),
      ...but,
    });
    const event = maintenanceScheduled(session, ask, links);
    await askStore(api.table).open({ run_id: id, generation: 1 }, ask, { event });
  }
  return id;
};

const put = (id: string, body: unknown, more = "", as: Persona = "project member") =>
  api.call("PUT", `/v1/maintenance/${id}/${alpha}${more}`, { as, body: body as object });

const answerOf = async (id: string, ask_id = "ask-0") =>
  (await askStore(api.table).get(id, { project_id: alpha, ask_id }))?.answer;

describe("a reply of style vnf", () => {
  test("chooses the action of the instance in its path, as Doctor's manager sends it", async () => {
    const id = await asking({});
    const body = { instance_action: "MIGRATE", state: "ACK_PLANNED_MAINTENANCE" };

    const { status, body: said } = await put(id, body, `/${VM}`);
    expect([status, said.applied, said.too_late]).toEqual([200, true, false]);
    expect(await answerOf(id)).toMatchObject({ ack: true, actions: { [VM]: "MIGRATE" } });
  });

  test("may come twice, as Tacker's does, and is stored once", async () => {
    const id = await asking({});
    const body = { instance_action: "MIGRATE", session_id: id, state: "ACK_PLANNED_MAINTENANCE" };
    await put(id, body, `/${VM}`);
    const first = await answerOf(id);
    const { status, body: said } = await put(id, body, `/${VM}`);

    expect([status, said.applied]).toEqual([200, true]);
    expect(await answerOf(id)).toEqual(first);
  });

  test("of another instance of the project answers nothing", async () => {
    const id = await asking({});
    const body = { instance_action: "MIGRATE", state: "ACK_PLANNED_MAINTENANCE" };

    expect((await put(id, body, `/${OTHER}`)).body).toMatchObject({ applied: false });
    expect(await answerOf(id)).toBeNull();
  });
});

describe("a reply of style default", () => {
  test("chooses an action for each instance", async () => {
    const id = await asking({ instance_ids: [VM, OTHER] });
    await put(id, {
      state: "ACK_PLANNED_MAINTENANCE",
      instance_ids: [VM, OTHER],
      instance_actions: { [VM]: "LIVE_MIGRATE", [OTHER]: "OWN_ACTION" },
    });

    expect((await answerOf(id))?.actions).toEqual({ [VM]: "LIVE_MIGRATE", [OTHER]: "OWN_ACTION" });
  });

  test("answers what it is about, and leaves other questions open", async () => {
    const id = await asking({}, { state: "SCALE_IN" });
    await put(id, { state: "ACK_SCALE_IN" });

    expect(await answerOf(id, "ask-0")).toBeNull();
    expect(await answerOf(id, "ask-1")).toMatchObject({ ack: true, actions: {} });
  });

  test("speaks for the instances that it names, and not for those of an ask that came meanwhile", async () => {
    const id = await asking({ instance_ids: [VM] }, { instance_ids: [OTHER] });
    await put(id, { state: "ACK_PLANNED_MAINTENANCE", instance_actions: { [VM]: "MIGRATE" } });

    expect(await answerOf(id, "ask-0")).toMatchObject({ ack: true, actions: { [VM]: "MIGRATE" } });
    expect(await answerOf(id, "ask-1")).toBeNull();
  });
});

describe("any reply", () => {
  test("may refuse, with a reason and a better time", async () => {
    const id = await asking({});
    await put(id, {
      state: "NACK_PLANNED_MAINTENANCE",
      reason: "busy hour",
      not_before: "2026-11-22T20:00:00Z",
    });

    expect(await answerOf(id)).toMatchObject({
      ack: false,
      reason: "busy hour",
      not_before: "2026-11-22T20:00:00.000Z",
    });
  });

  test("may be changed until it is acted upon; then it is too late, which is no error", async () => {
    const id = await asking({});
    await put(id, { state: "NACK_PLANNED_MAINTENANCE" });
    await put(id, { state: "ACK_PLANNED_MAINTENANCE" });
    const asks = askStore(api.table);
    const name = { project_id: alpha, ask_id: "ask-0" };
    const ask = await asks.get(id, name);
    expect(ask?.answer?.ack).toBe(true);
    expect(await asks.close(ask as Ask, "answered", inMinutes(0))).toBe(true);

    const late = await put(id, { state: "NACK_PLANNED_MAINTENANCE" });
    expect([late.status, late.body]).toEqual([
      200,
      expect.objectContaining({ applied: false, too_late: true }),
    ]);
    expect((await answerOf(id))?.ack).toBe(true);
  });

  test("that is heard in the moment it is changed is heard again", async () => {
    const id = await asking({});
    const asks = askStore(api.table);
    const before = await asks.get(id, { project_id: alpha, ask_id: "ask-0" });
    await put(id, { state: "NACK_PLANNED_MAINTENANCE" });

    expect(await asks.close(before as Ask, "silent", inMinutes(3))).toBe(false);
  });

  test.each(["ACK_INSTANCE_ACTION_DONE", "ACK_MAINTENANCE_COMPLETE", "NACK_NEVER_HEARD_OF"])(
    "of a state that was not asked, like %s, is 200 and changes nothing",
    async (state) => {
      const id = await asking({});
      const { status, body } = await put(id, { state, session_id: id });

      expect([status, body.applied, body.too_late]).toEqual([200, false, false]);
      expect(await answerOf(id)).toBeNull();
    },
  );

  test("cannot choose what the session does not allow", async () => {
    const id = await asking({ allowed_actions: ["LIVE_MIGRATE"] });
    const body = { instance_action: "MIGRATE", state: "ACK_PLANNED_MAINTENANCE" };

    expect(problemOf(await put(id, body, `/${VM}`))).toMatchObject({
      status: 422,
      errors: [`instance_actions.${VM} action_not_allowed`],
    });
    expect(await answerOf(id)).toBeNull();
  });

  test.each([{}, { state: "MAINTENANCE" }, { state: "ACK_x" }, [], "no"])(
    "that says neither yes nor no, like %j, is refused",
    async (body) => {
      const id = await asking({});

      expect((await put(id, body)).status).toBe(400);
    },
  );

  test("to a session that does not concern the project finds nothing", async () => {
    const id = await api.created();

    expect((await put(id, { state: "ACK_MAINTENANCE" })).status).toBe(404);
    expect((await put(crypto.randomUUID(), { state: "ACK_MAINTENANCE" })).status).toBe(404);
  });

  test("comes from the project itself: not from admins of others, nor from readers", async () => {
    const id = await asking({});
    for (const as of ["admin", "auditor", "project reader"] as const)
      expect((await put(id, { state: "ACK_PLANNED_MAINTENANCE" }, "", as)).status).toBe(403);
    expect(await answerOf(id)).toBeNull();
  });
});

test("a reply of which one action is not allowed answers nothing at all", async () => {
  const id = await asking(
    { allowed_actions: ["MIGRATE"] },
    { allowed_actions: ["OWN_ACTION"], instance_ids: [OTHER] },
  );
  const instance_actions = { [VM]: "MIGRATE", [OTHER]: "MIGRATE" };
  const answer = await put(id, { state: "ACK_PLANNED_MAINTENANCE", instance_actions });

  expect(answer.status).toBe(422);
  expect([await answerOf(id), await answerOf(id, "ask-1")]).toEqual([null, null]);
});

test("a reply larger than any project needs is not looked at", async () => {
  const id = await asking({});
  const instance_actions = Object.fromEntries(
    Array.from({ length: 5_000 }, () => [crypto.randomUUID(), "MIGRATE"]),
  );
  const answer = await put(id, { state: "ACK_PLANNED_MAINTENANCE", instance_actions });

  expect(answer.status).toBe(400);
  expect(answer.body.detail).toContain("200000 bytes");
});
