import { describe, expect, test } from "vitest";
import { problem, SESSION, startApi } from "../client/fake-api.ts";
import { lullHere } from "./lull.ts";

const PROJECT = "9b9e3c847e904b0686e8ffb20e4c6381";
const WEB = "11111111-0000-4000-8000-000000000001";
const DB = "22222222-0000-4000-8000-000000000002";
const TWIN = "11111111-0000-4000-8000-000000000003";

const answer = (state: string, instance_actions: object = {}) => ({
  state,
  at: "2026-11-22T10:00:30Z",
  instance_actions,
  reason: null,
  not_before: null,
});

const ask = (instance_ids: string[], over: object = {}) => ({
  state: "PLANNED_MAINTENANCE",
  instance_ids,
  allowed_actions: ["MIGRATE", "LIVE_MIGRATE"],
  asked_at: "2026-11-22T10:00:00Z",
  reply_at: "2026-11-22T10:02:00Z",
  actions_at: "2026-11-22T10:02:00Z",
  missing: null,
  answer: null,
  ...over,
});

const scaleIn = ask([WEB, DB, TWIN], {
  state: "SCALE_IN",
  allowed_actions: [],
  missing: { MEMORY_MB: 4096, VCPU: 2 },
});

const named = (instance_id: string, instance_name: string) => ({
  instance_id,
  instance_name,
  action: null,
  state: "waiting",
  hostId: "f".repeat(56),
  started_at: null,
  finished_at: null,
});

/** The API as the project finds it that is asked so, and what it sends. */
const asking = async (asks: object[], taken: object = { applied: true, too_late: false }) => {
  const server = await startApi();
  const path = `/v1/maintenance/${SESSION}/${PROJECT}`;
  const session = {
    session_id: SESSION,
    state: "PLANNED_MAINTENANCE",
    maintenance_at: "2026-11-22T10:00:00Z",
    created_at: "2026-11-22T09:59:00Z",
  };
  server.world.fault = (call) => {
    if (call.path === "/v1/maintenance")
      return { body: { project_id: PROJECT, maintenance: [session], next_cursor: null } };
    if (call.method === "PUT" && call.path.startsWith(path))
      return { body: { state: (call.body as { state: string }).state, ...taken } };
    if (call.path !== path) return problem(404, "not_found", "no such session");
    const instances = [named(WEB, "web"), named(DB, "db"), named(TWIN, "web-2")];
    return { body: { ...session, asks, instances, next_cursor: null } };
  };
  return Object.assign(server, {
    project: (...args: string[]) => lullHere(["project", ...args, "--endpoint", server.url]),
    /** What was answered: where to, below the project's address, and what. */
    said: () =>
      server.calls.flatMap((call) =>
        call.method === "PUT" ? [[call.path.slice(path.length), call.body]] : [],
      ),
  });
};

describe("lull project status of a session", () => {
  test("says what is asked until when, what to choose from, what was answered, and what to type", async () => {
    await using api = await asking([
      ask([WEB, DB]),
      ask([TWIN], { answer: answer("ACK_PLANNED_MAINTENANCE", { [TWIN]: "MIGRATE" }) }),
    ]);
    const { out } = await api.project("status", "7f3c");

    expect(out.split("\n").slice(0, 9)).toEqual([
      `session ${SESSION}: PLANNED_MAINTENANCE`,
      "asked: PLANNED_MAINTENANCE, these have to leave their host",
      "  about 2 instances: web, db",
      "  choose from MIGRATE, LIVE_MIGRATE",
      "  answer until 10:02Z (2m00s left); not answered yet",
      "asked: PLANNED_MAINTENANCE, these have to leave their host",
      "  about 1 instance: web-2",
      "  choose from MIGRATE, LIVE_MIGRATE",
      "  answer until 10:02Z (2m00s left); answered 10:00Z: ACK, web-2=MIGRATE",
    ]);
    expect(out).toContain("\ndo: lull project ack 7f3c0000  (or nack, defer or choose)\n\n");
    expect(out).toMatch(/^INSTANCE +NAME/m);
  });

  test("says how much room is missing, and names the state where more than one is asked", async () => {
    await using api = await asking([scaleIn, ask([WEB])]);
    const { out } = await api.project("status", "7f3c");

    expect(out).toContain(
      "SCALE_IN, room is short: scale in, then answer; 4096 MiB of memory and 2 VCPUs are missing",
    );
    expect(out).toContain("do: lull project ack 7f3c0000 --state SCALE_IN  (or nack)");
  });

  test("says when nothing is asked, and when all is answered", async () => {
    await using idle = await asking([]);
    expect((await idle.project("status", "7f3c")).out).toContain(
      "nothing is asked now\ndo: nothing",
    );
    await using done = await asking([ask([WEB], { answer: answer("NACK_PLANNED_MAINTENANCE") })]);
    expect((await done.project("status", "7f3c")).out).toContain("do: nothing to type");
  });
});

describe("an answer of a project", () => {
  test("to all that is asked is one request for each state, however many asks there are", async () => {
    await using api = await asking([ask([WEB]), ask([DB]), scaleIn]);
    const { code, out } = await api.project("ack", "7f3c");

    expect(code).toBe(0);
    expect(api.said()).toEqual([
      ["", { state: "ACK_PLANNED_MAINTENANCE" }],
      ["", { state: "ACK_SCALE_IN" }],
    ]);
    expect(out).toContain("ACK_PLANNED_MAINTENANCE for web, db: taken");
  });

  test("does not change by accident what was answered before", async () => {
    const before = answer("ACK_PLANNED_MAINTENANCE", { [WEB]: "MIGRATE" });
    await using api = await asking([ask([WEB], { answer: before }), ask([DB])]);
    await api.project("ack", "7f3c");
    expect(api.said()).toEqual([[`/${DB}`, { state: "ACK_PLANNED_MAINTENANCE" }]]);

    await using done = await asking([ask([WEB], { answer: before })]);
    const again = await done.project("nack", "7f3c", "--reason", "no");
    expect(again).toMatchObject({ code: 1, out: "" });
    expect(again.err).toContain("name instances or the state");
    expect(done.said()).toEqual([]);
  });

  test("to one instance goes to its ask alone, and names what was asked about together", async () => {
    await using api = await asking([ask([WEB, DB]), ask([TWIN])]);
    const { out } = await api.project("nack", "7f3c", "db", "--reason", "backup");

    expect(api.said()).toEqual([
      [`/${WEB}`, { state: "NACK_PLANNED_MAINTENANCE", reason: "backup" }],
    ]);
    expect(out).toBe("NACK_PLANNED_MAINTENANCE for web, db: taken");
  });

  test("to one state leaves the others", async () => {
    await using api = await asking([ask([WEB]), scaleIn]);
    await api.project("ack", "7f3c", "--state", "scale_in");

    expect(api.said()).toEqual([["", { state: "ACK_SCALE_IN" }]]);
  });

  test("puts off what is about instances, and nothing else", async () => {
    await using api = await asking([ask([WEB]), scaleIn]);
    await api.project("defer", "7f3c", "--until", "+2h", "--reason", "busy hour");

    expect(api.said()).toEqual([
      [
        "",
        {
          state: "NACK_PLANNED_MAINTENANCE",
          not_before: "2026-11-22T12:00:00.000Z",
          reason: "busy hour",
        },
      ],
    ]);
  });

  test("chooses for each instance, and keeps what was chosen before", async () => {
    const before = answer("ACK_PLANNED_MAINTENANCE", { [DB]: "MIGRATE" });
    await using api = await asking([ask([WEB, DB], { answer: before }), ask([TWIN])]);
    const { code } = await api.project("choose", "7f3c", "web=live_migrate");

    expect(code).toBe(0);
    expect(api.said()).toEqual([
      [
        `/${WEB}`,
        {
          state: "ACK_PLANNED_MAINTENANCE",
          instance_actions: { [DB]: "MIGRATE", [WEB]: "LIVE_MIGRATE" },
        },
      ],
    ]);
  });

  test("for all instances of style vnf is one request", async () => {
    await using api = await asking([ask([WEB]), ask([DB])]);
    await api.project("choose", "7f3c", "web=MIGRATE", "2222=LIVE_MIGRATE");

    expect(api.said()).toEqual([
      [
        "",
        {
          state: "ACK_PLANNED_MAINTENANCE",
          instance_actions: { [WEB]: "MIGRATE", [DB]: "LIVE_MIGRATE" },
        },
      ],
    ]);
  });

  test("as JSON is what the API said, with the instances", async () => {
    await using api = await asking([ask([WEB])]);
    const { out } = await api.project("ack", "7f3c", "-f", "json");

    expect(JSON.parse(out)).toEqual([
      { state: "ACK_PLANNED_MAINTENANCE", applied: true, too_late: false, instance_ids: [WEB] },
    ]);
  });

  test.each([
    [{ applied: false, too_late: true }, "too late"],
    [{ applied: false, too_late: false }, "nothing was asked"],
  ])("that changes nothing, like %j, ends in failure", async (taken, words) => {
    await using api = await asking([ask([WEB])], taken);
    const { code, out } = await api.project("ack", "7f3c");

    expect(code).toBe(1);
    expect(out).toContain(words);
  });
});

describe("what makes no sense", () => {
  test.each([
    ["nothing is asked", [], ["ack", "7f3c"], 1, "nothing is asked of your project"],
    ["not in that state", [ask([WEB])], ["ack", "7f3c", "--state", "SCALE_IN"], 1, "nothing is"],
    ["nothing to put off", [scaleIn], ["defer", "7f3c", "--until", "+1h"], 1, "nothing is asked"],
    ["no such state", [], ["ack", "7f3c", "--state", "SCALEIN"], 2, "did you mean SCALE_IN?"],
    ["no reason", [ask([WEB])], ["nack", "7f3c"], 2, "needs --reason TEXT"],
    ["no time", [ask([WEB])], ["defer", "7f3c"], 2, "needs --until TIME"],
    ["a time that is over", [], ["defer", "7f3c", "--until", "2026-11-22T09:00Z"], 2, "is over"],
    ["no such instance", [ask([WEB])], ["ack", "7f3c", "wev"], 2, `there are web (${WEB})`],
    ["an instance not asked about", [ask([DB])], ["ack", "7f3c", "web"], 2, `there are db (${DB})`],
    [
      "several instances",
      [ask([WEB, TWIN])],
      ["ack", "7f3c", "1111"],
      2,
      `could be web (${WEB}), web-2 (${TWIN})`,
    ],
    ["no choice", [ask([WEB])], ["choose", "7f3c"], 2, "needs INSTANCE=ACTION"],
    ["half a choice", [ask([WEB])], ["choose", "7f3c", "web"], 2, "is not INSTANCE=ACTION"],
    ["no such action", [], ["choose", "7f3c", "web=live_migrat"], 2, "did you mean LIVE_MIGRATE?"],
    ["not allowed", [ask([WEB])], ["choose", "7f3c", "web=OWN_ACTION"], 1, "allows MIGRATE, LIVE"],
  ])("is said: %s", async (_, asks, args, code, words) => {
    await using api = await asking(asks);
    const answered = await api.project(...args);

    expect(answered).toMatchObject({ code, out: "" });
    expect(answered.err).toContain(words);
    expect(api.said()).toEqual([]);
  });
});
