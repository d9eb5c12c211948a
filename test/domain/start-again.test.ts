import { describe, expect, test } from "vitest";
import { questionOf } from "../../lib/domain/dialogue/asking.ts";
import { ConflictError } from "../../lib/domain/errors.ts";
import type { ActionRun, HostRun } from "../../lib/domain/host-run.ts";
import type { Asking } from "../../lib/domain/session.ts";
import { released, reopened, retried } from "../../lib/domain/start-again.ts";
import { aClaimedSession, aHost, NOW } from "./builders.ts";

const LATER = "2026-11-22T11:00:00.000Z";
const again = { runId: "run-2", now: LATER };
const session = aClaimedSession();

const action = (state: ActionRun["state"]): ActionRun => ({
  plugin: "hold",
  state,
  hook_id: "hook",
  started_at: NOW,
  details: "held",
});
const prior = { service_id: "1", status: "enabled", disabled_reason: null } as const;

const finished = (outcome: HostRun["outcome"], but: Partial<HostRun> = {}) =>
  aHost("cmp-01", { run_id: "run-1", phase: "FINISHED", outcome, prior, finished_at: NOW, ...but });

describe("the retry of a host", () => {
  test("that failed starts over, keeps what is done and what it was worth before", () => {
    const failed = finished("failed", {
      actions: [action("DONE"), action("FAILED"), action("PENDING")],
      work_started_at: NOW,
      work_ended_at: NOW,
      alarm: { at: NOW, why: "3 moves failed" },
      moves_failed: 3,
    });

    expect(retried(failed, session, again)).toMatchObject({
      run_id: "run-2",
      phase: "DISABLING",
      phase_at: LATER,
      started_at: LATER,
      outcome: null,
      prior,
      actions: [
        action("DONE"),
        { plugin: "hold", state: "PENDING", hook_id: null, started_at: null, details: null },
        { plugin: "hold", state: "PENDING", hook_id: null, started_at: null, details: null },
      ],
      worked: true,
      work_started_at: null,
      work_ended_at: null,
      finished_at: null,
      alarm: null,
      moves_failed: 0,
    });
  });

  test("that was given back is looked at afresh, and nothing was worked on", () => {
    const restored = finished("restored", { work_started_at: NOW, staying: ["instance-1"] });

    expect(retried(restored, session, again)).toMatchObject({
      phase: "DISABLING",
      prior: null,
      worth: null,
      staying: [],
      worked: false,
    });
  });

  test("that was given back but for something keeps in mind what is to be put back", () => {
    const restored = finished("restored", {
      monitors: [{ name: "masakari", silenced: false }],
      staying: ["instance-1"],
      stopped: ["instance-1"],
      left_behind: "masakari may still be silenced",
    });

    expect(retried(restored, session, again)).toMatchObject({
      prior: null,
      monitors: [{ name: "masakari", silenced: false }],
      staying: ["instance-1"],
      stopped: ["instance-1"],
    });
  });

  test("remembers from try to try that it was worked on", () => {
    expect(retried(finished("failed", { worked: true }), session, again).worked).toBe(true);
  });

  test.each(["maintained", "released", "retired"] as const)("that is %s is refused", (outcome) => {
    expect(() => retried(finished(outcome), session, again)).toThrow(`cmp-01 is ${outcome}`);
  });

  test("is refused in a session that was aborted", () => {
    const aborted = aClaimedSession({ control: "aborting" });

    expect(() => retried(finished("failed"), aborted, again)).toThrow(ConflictError);
  });
});

describe("the release of a host", () => {
  test("that failed has it verified, with its heartbeats counted from now", () => {
    const failed = finished("failed", { beats: { updated_at: NOW, count: 2 } });

    expect(released(failed, again)).toMatchObject({
      run_id: "run-2",
      phase: "VERIFYING",
      outcome: "released",
      prior,
      beats: { updated_at: null, count: 0 },
      work_ended_at: LATER,
      finished_at: null,
    });
  });

  test.each(["maintained", "restored", "released"] as const)("that is %s is refused", (outcome) => {
    expect(() => released(finished(outcome), again)).toThrow(ConflictError);
  });
});

test("a session with a host at work again is open, in the state that its hosts amount to", () => {
  const over = aClaimedSession({ closed_at: NOW, state: "MAINTENANCE_FAILED" });
  const hosts = [aHost("cmp-01", { phase: "VERIFYING" }), finished("maintained")];

  expect(reopened(over, hosts, LATER)).toMatchObject({
    closed_at: null,
    state: "PLANNED_MAINTENANCE",
    prev_state: "MAINTENANCE_FAILED",
    updated_at: LATER,
    sequence: over.sequence + 1,
  });
});

describe("the projects of a session with a host at work again", () => {
  const hosts = [aHost("cmp-01", { phase: "VERIFYING" })];
  const over = aClaimedSession({ announced_at: NOW, completed_at: NOW, closed_at: NOW });

  test("are told anew when it is over, by a word of its own each time", () => {
    const once = reopened(over, hosts, LATER);
    const twice = reopened({ ...once, completed_at: LATER, closed_at: LATER }, hosts, LATER);

    expect([once.completed_at, twice.completed_at]).toEqual([null, null]);
    const ids = [over, once, twice].map((session) => questionOf(session, LATER).askId);
    expect(new Set(ids).size).toBe(3);
  });

  test("are no longer waited for to say that they know that it is over", () => {
    const asked = (state: Asking["state"]) =>
      reopened(
        { ...over, asking: { state, ask_id: state, project_ids: ["p"], since: NOW } },
        hosts,
        LATER,
      ).asking?.state;

    expect(asked("MAINTENANCE_COMPLETE")).toBeUndefined();
    expect(asked("SCALE_IN")).toBe("SCALE_IN");
  });
});
