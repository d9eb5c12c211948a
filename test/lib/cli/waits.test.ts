import { describe, expect, test } from "vitest";
import { nextText, ruleText, waitsOf } from "../../../lib/cli/waits.ts";
import type { Attention, SessionDetail } from "../../../lib/client/maintenance.ts";
import { hostRun, instance, session } from "../client/fake-api.ts";

const now = Date.parse("2026-11-22T10:10:00Z");
const attention = (code: string, over: Partial<Attention> = {}): Attention => ({
  code,
  host: null,
  instance: null,
  since: "2026-11-22T10:00:00Z",
  message: `why ${code}`,
  what_happens_next: "",
  ...over,
});
const waiting = (items: Attention[], over: Partial<SessionDetail> = {}, fields: object = {}) => {
  const detail = session("PLANNED_MAINTENANCE", [hostRun("cmp-01")], { attention: items, ...over });
  return waitsOf({ ...detail, session: { ...detail.session, ...fields } });
};

describe("what waits", () => {
  test("is told oldest first, also where only an instance says so", () => {
    const items = [attention("frozen", { since: "2026-11-22T10:05:00Z" }), attention("breaker")];
    const blocked = instance("vm-1", { state: "blocked", started_at: "2026-11-22T10:02:00Z" });
    expect(waiting(items, { instances: [blocked] }).map(({ code }) => code)).toEqual([
      "breaker",
      "instance_blocked",
      "frozen",
    ]);
  });

  test("names an instance once, by its name, with the project that owns it", () => {
    const item = attention("no_target", { host: "cmp-01", instance: "vm-1" });
    const blocked = instance("vm-1", { state: "blocked" });
    expect(waiting([item], { instances: [blocked] })).toMatchObject([
      { object: "cmp-01 / web", owner: "project p1", command: "lull why cmp-01" },
    ]);
  });

  test.each([
    ["paused", null, "lull maintenance resume 7f3c0000"],
    ["breaker", null, "lull maintenance resume 7f3c0000"],
    ["frozen", null, "lull thaw"],
    ["host_failed", "cmp-01", "lull maintenance release 7f3c0000 cmp-01"],
    ["host_held", "cmp-01", "lull maintenance release 7f3c0000 cmp-01"],
    ["host_left", "cmp-01", "lull orphans"],
    ["host_owned", "cmp-01", "lull why cmp-01"],
    ["step_failed", null, "lull maintenance show 7f3c0000 --events"],
    ["host_moving", "cmp-01", "lull why cmp-01"],
    ["canary", null, null],
    ["waiting_cloud", null, null],
    ["a_code_of_a_newer_lull", null, null],
  ])("%s: what to type", (code, host, command) => {
    expect(waiting([attention(code, { host })])).toMatchObject([{ command }]);
  });

  test.each([
    ["alpha", "lull maintenance override 7f3c0000 alpha --reason WHY"],
    [undefined, "lull maintenance override 7f3c0000 PROJECT --reason WHY"],
  ])("a refusal of project %s: what to type", (project_id, command) => {
    const refusal = attention("project_refused", project_id === undefined ? {} : { project_id });

    expect(waiting([refusal])).toMatchObject([{ command, owner: "admin" }]);
  });

  test("says who paused, and nobody where it ends by itself", () => {
    const holds = [{ code: "operator", by: "kim", at: "2026-11-22T10:00:00Z", reason: "storm" }];
    expect(waiting([attention("paused")], { holds })).toMatchObject([{ owner: "kim" }]);
    expect(waiting([attention("canary")])).toMatchObject([{ owner: "" }]);
  });

  test("for answers waits for projects, and costs time of the window", () => {
    const asking = {
      state: "SCALE_IN",
      project_ids: ["p1", "p2"],
      projects_total: 2,
      since: "2026-11-22T10:00:00Z",
      reply_at: "2026-11-22T10:15:00Z",
    };
    const ends_at = "2026-11-22T12:00:00Z";
    expect(waiting([attention("asking")], { asking }, { ends_at })).toMatchObject([
      { owner: "2 projects", deadline: ends_at, command: null },
    ]);
  });

  test("is one line that grep finds: rule, since, owner, end of the window", () => {
    const items = [attention("paused", { what_happens_next: "nothing is begun" })];
    const [wait] = waiting(items, {}, { ends_at: "2026-11-22T12:00:00Z" });
    if (!wait) throw new Error("nothing waits");
    expect(ruleText(wait, now)).toBe(
      "session: why paused [paused]  since 10:00Z (10m00s)  owner admin  window ends 12:00Z",
    );
    expect(nextText(wait)).toBe("next: nothing is begun  do: lull maintenance resume 7f3c0000");
  });

  test("of a host that has begun does not wait for the window", () => {
    const items = [attention("host_held", { host: "cmp-01" })];
    const [wait] = waiting(items, {}, { ends_at: "2026-11-22T12:00:00Z" });
    expect(wait?.deadline).toBeNull();
  });
});
