import { describe, expect, test } from "vitest";
import { attentionOf } from "../../lib/domain/attention.ts";
import { later } from "../../lib/domain/instant.ts";
import { type Move, openMove } from "../../lib/domain/move.ts";
import type { Attention, Session } from "../../lib/domain/session.ts";
import { briefOf, detailOf, summaryOf } from "../../lib/domain/session-view.ts";
import { aClaimedSession, aHost, NOW, SESSION_ID } from "./builders.ts";

const LATER = "2026-11-22T11:00:00.000Z";

const owned: Attention = {
  code: "host_owned",
  host: "cmp-02",
  instance: null,
  since: "2026-11-22T10:30:00.000Z",
  message: "another session owns cmp-02",
  what_happens_next: "it starts later",
};

const move: Move = {
  ...openMove({ session_id: SESSION_ID }, { host: "cmp-01" }, "instance-1", "web-1", "project-1"),
  state: "moved",
  destination_host: "cmp-09",
  tries: 2,
  started_at: NOW,
  finished_at: LATER,
};

describe("attention", () => {
  test("is empty while all goes well", () => {
    const runs = [aHost("cmp-01", { phase: "MOVING" }), aHost("cmp-02")];

    expect(attentionOf(aClaimedSession(), runs, null)).toEqual([]);
  });

  test("names what waits for a human, oldest first", () => {
    const failed = aHost("cmp-01", {
      phase: "FINISHED",
      outcome: "failed",
      finished_at: LATER,
      details: "verify_failed",
    });
    const stuck = aHost("cmp-03", { phase: "MOVING", phase_at: NOW, trouble: "no room for it" });

    expect(
      attentionOf(aClaimedSession({ attention: [owned] }), [failed, stuck], null).map(
        ({ code, host, message }) => [code, host, message],
      ),
    ).toEqual([
      ["host_moving", "cmp-03", "no room for it"],
      ["host_owned", "cmp-02", "another session owns cmp-02"],
      ["host_failed", "cmp-01", "verify_failed"],
    ]);
  });

  test("asks for the release of a host that is held for somebody, and not of a timed hold", () => {
    const hold = { plugin: "hold", state: "RUNNING", hook_id: "hook", started_at: NOW } as const;
    const held = aHost("cmp-01", {
      phase: "IN_MAINTENANCE",
      actions: [{ ...hold, details: "held for your work" }],
    });
    const timed = aHost("cmp-02", {
      phase: "IN_MAINTENANCE",
      actions: [{ ...hold, details: null }],
    });

    expect(attentionOf(aClaimedSession(), [held, timed], null)).toMatchObject([
      { code: "host_held", host: "cmp-01", message: "held for your work" },
    ]);
  });

  test("names what was left behind on a host that is back", () => {
    const back = aHost("cmp-01", {
      phase: "FINISHED",
      outcome: "maintained",
      left_behind: "alertmanager may still be silenced",
    });

    expect(attentionOf(aClaimedSession(), [back], null)).toMatchObject([
      { code: "host_left", host: "cmp-01", message: "alertmanager may still be silenced" },
    ]);
  });

  test("does not ask for anything about a host that was given back or is done", () => {
    const runs = [
      aHost("cmp-01", { phase: "FINISHED", outcome: "restored", details: "aborted" }),
      aHost("cmp-02", { phase: "FINISHED", outcome: "maintained" }),
    ];

    expect(attentionOf(aClaimedSession(), runs, null)).toEqual([]);
  });
});

describe("a session that asks its projects", () => {
  const asking = {
    state: "SCALE_IN" as const,
    ask_id: "SCALE_IN",
    project_ids: ["p1"],
    since: NOW,
  };

  test("names those it waits for, and until when", () => {
    const session = aClaimedSession({ asking: { ...asking, project_ids: ["p1", "p2"] } });

    expect(attentionOf(session, [], null)).toMatchObject([
      {
        code: "asking",
        since: NOW,
        message: "waits until 2026-11-22T10:15:00.000Z for 2 project(s) to answer SCALE_IN: p1, p2",
      },
    ]);
    expect(briefOf(session, [], null).asking).toEqual({
      state: "SCALE_IN",
      project_ids: ["p1", "p2"],
      projects_total: 2,
      since: NOW,
      reply_at: "2026-11-22T10:15:00.000Z",
    });
  });

  test("waits for answers to its announcement no longer than to its start", () => {
    const soon = "2026-11-22T10:01:00.000Z";
    const asked = { ...asking, state: "MAINTENANCE" } as const;
    const untilOf = (maintenance_at: string) =>
      briefOf(aClaimedSession({ maintenance_at, asking: asked }), [], null).asking?.reply_at;

    expect(untilOf(soon)).toBe(soon);
    expect(untilOf(LATER)).toBe("2026-11-22T10:02:00.000Z");
  });

  test("says that their time does not run while it is paused or the cloud frozen", () => {
    const session = aClaimedSession({ asking });
    const freeze = { frozen: true, by: "kim", at: LATER, reason: "storage" };
    const told = (one: Session, frozen: typeof freeze | null) =>
      attentionOf(one, [], frozen).find(({ code }) => code === "asking");
    const standing = {
      message: "waits for 1 project(s) to answer SCALE_IN: p1",
      what_happens_next: expect.stringContaining("runs only while the session does"),
    };

    expect(told({ ...session, control: "paused" }, null)).toMatchObject(standing);
    expect(told(session, freeze)).toMatchObject(standing);
  });

  test("waits a minute more for them after a pause or a freeze", () => {
    const session = aClaimedSession({ asking });
    const thawed = { frozen: false, by: "kim", at: LATER, reason: "" };
    const until = later(LATER, 60);

    expect(briefOf({ ...session, resumed_at: LATER }, [], null).asking?.reply_at).toBe(until);
    expect(briefOf(session, [], thawed).asking?.reply_at).toBe(until);
  });

  test("names a few of very many", () => {
    const project_ids = Array.from({ length: 7 }, (_, n) => `p${n}`);
    const session = aClaimedSession({ asking: { ...asking, project_ids } });

    expect(attentionOf(session, [], null)[0]?.message).toContain(": p0, p1, p2, p3, p4 and 2 more");
  });

  test("waits for nobody once it is over", () => {
    const over = aClaimedSession({ asking, closed_at: LATER });

    expect(attentionOf(over, [], null)).toEqual([]);
    expect(briefOf(over, [], null).asking).toBeNull();
  });
});

describe("a session that stands still", () => {
  const hold = { code: "operator", by: "alice", at: NOW, reason: "storm ahead" } as const;
  const breaker = { code: "breaker", by: "lull", at: LATER, reason: "2 hosts failed" } as const;
  const paused = aClaimedSession({ control: "paused", holds: [hold, breaker] });
  const freeze = { frozen: true, by: "bob", at: LATER, reason: "power cut" };

  test("says who paused it, since when, and in what words", () => {
    expect(attentionOf(paused, [], null)).toMatchObject([
      { code: "paused", since: NOW, message: "paused by alice: storm ahead" },
      { code: "breaker", since: LATER, message: "paused by lull: 2 hosts failed" },
    ]);
  });

  test("says each thing once, whoever found it", () => {
    const found = { ...owned, code: "breaker", host: null };

    expect(attentionOf({ ...paused, attention: [found] }, [], null)).toHaveLength(2);
  });

  test("says who has frozen the cloud; one that was thawed, and one that is over, say nothing", () => {
    expect(attentionOf(aClaimedSession(), [], freeze)).toMatchObject([
      { code: "frozen", since: LATER, message: "the whole cloud was frozen by bob: power cut" },
    ]);
    expect(attentionOf(aClaimedSession(), [], { ...freeze, frozen: false })).toEqual([]);
    expect(attentionOf({ ...paused, closed_at: LATER }, [], freeze)).toEqual([]);
  });

  test("that was aborted is not paused any more", () => {
    const order = { by: "alice", at: LATER, reason: "wrong hosts" };

    expect(attentionOf({ ...paused, control: "aborting", aborted: order }, [], null)).toEqual([]);
  });

  test("tells all of it in short", () => {
    expect(briefOf(paused, [], freeze)).toMatchObject({
      session_id: SESSION_ID,
      control: "paused",
      holds: [hold, breaker],
      aborted: null,
      result: null,
      attention: [{ code: "paused" }, { code: "breaker" }, { code: "frozen" }],
    });
  });
});

describe("the detail of a session", () => {
  const action = { hook_id: null, started_at: null, details: null, released: false };
  const runs = [
    aHost("cmp-01", {
      phase: "IN_MAINTENANCE",
      instances_total: 3,
      actions: [
        { plugin: "webhook", state: "RUNNING", ...action },
        { plugin: "hold", state: "PENDING", ...action },
      ],
    }),
  ];
  const detail = detailOf(aClaimedSession(), runs, [move], null, { agenda: null, now: NOW });

  test("lists every host of the session, claimed or not, in the session's order", () => {
    expect(detail.hosts).toMatchObject([
      { hostname: "cmp-01", phase: "IN_MAINTENANCE", disabled: true, maintained: false },
      { hostname: "cmp-02", phase: "WAITING", disabled: false, outcome: null },
    ]);
  });

  test("tells of each instance where it went and by what", () => {
    expect(detail.instances).toMatchObject([
      {
        instance_id: "instance-1",
        host: "cmp-01",
        destination_host: "cmp-09",
        state: "moved",
        action: "LIVE_MIGRATE",
        action_done: true,
      },
    ]);
  });

  test("tells of the plug-ins that have begun", () => {
    expect(detail.action_plugin_instances).toEqual([
      { plugin: "webhook", type: "host", hostname: "cmp-01", state: "RUNNING" },
    ]);
  });

  test("does not tell the hash or secret of anything", () => {
    expect(JSON.stringify(detail)).not.toMatch(/hook_id|secret|sha256|device_id/);
  });
});

test("a session in a list is known by its id, state and progress", () => {
  expect(summaryOf(aClaimedSession(), [aHost("cmp-01", { phase: "FINISHED" })])).toMatchObject({
    session_id: SESSION_ID,
    state: "MAINTENANCE",
    control: "running",
    percent_done: 50,
    hosts: 2,
  });
});
