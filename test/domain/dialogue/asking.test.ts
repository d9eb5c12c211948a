import { describe, expect, test } from "vitest";
import {
  openAsking,
  questionForRoom,
  questionOf,
  secondsToListen,
  settled,
  waitedFor,
  withoutIdleQuestion,
} from "../../../lib/domain/dialogue/asking.ts";
import { later } from "../../../lib/domain/instant.ts";
import { LONGEST_WAIT_SECONDS } from "../../../lib/domain/run.ts";
import type { Asking } from "../../../lib/domain/session.ts";
import { reopened } from "../../../lib/domain/start-again.ts";
import { aClaimedSession, aHost, anAsk, aSession, NOW } from "../builders.ts";

test("a session that went on while its projects were told that it is over waits for no word on that", () => {
  const session = aClaimedSession({ announced_at: NOW });
  const question = questionOf(session, NOW);
  const goneOn = reopened(session, [aHost("cmp-01", { phase: "DISABLING" })], NOW);

  expect(openAsking(session, question, ["p"], NOW)).toMatchObject({
    asking: { state: "MAINTENANCE_COMPLETE", project_ids: ["p"] },
  });
  expect(openAsking(goneOn, question, ["p"], NOW)).toEqual({});
  expect(openAsking(goneOn, question, [], NOW)).toEqual({});
});

test("whoever answers while the ask is being closed is heard in a second, not never", () => {
  expect(secondsToListen(NOW, NOW)).toBe(1);
  expect(secondsToListen(later(NOW, 90), NOW)).toBe(90);
  expect(secondsToListen(later(NOW, 10 ** 7), NOW)).toBe(LONGEST_WAIT_SECONDS);
});

const asking = (state: Asking["state"]): Asking => ({
  state,
  ask_id: state,
  project_ids: ["p"],
  since: NOW,
});

describe("a session that is aborted", () => {
  const asked = (state: Asking["state"]) =>
    withoutIdleQuestion(aClaimedSession({ asking: asking(state), control: "aborting" })).asking;

  test("no longer waits for an answer that changes nothing now", () => {
    expect(asked("MAINTENANCE")).toBeNull();
    expect(asked("SCALE_IN")).toBeNull();
  });

  test("still waits for the projects to know that it is over", () => {
    expect(asked("MAINTENANCE_COMPLETE")).not.toBeNull();
  });

  test("while a question is on its way waits for no answer to it", () => {
    const aborting = aClaimedSession({ control: "aborting" });

    expect(openAsking(aborting, questionForRoom(aborting, {}, NOW), ["p"], NOW)).toMatchObject({
      asking: null,
    });
  });
});

test("a session that goes on keeps its question", () => {
  const session = aClaimedSession({ asking: asking("SCALE_IN") });

  expect(withoutIdleQuestion(session)).toBe(session);
});

const anAnswer = {
  ack: true,
  at: NOW,
  by: "vnfm",
  actions: {},
  reason: null,
  not_before: null,
  override: null,
};

test("a refusal ends the session where it is to stop, unless somebody has set it aside", () => {
  const answer = { ...anAnswer, ack: false, reason: "not now" };
  const stopping = aSession({ asking: asking("MAINTENANCE") });
  const session = { ...stopping, dialogue: { ...stopping.dialogue, refused: "stop" as const } };
  const heard = [{ ask: anAsk({ answer }), hearing: { kind: "answered", answer } as const }];
  const overrides = [{ project_id: "project-1", by: "other-admin", at: NOW, reason: "agreed" }];

  expect(settled(session, heard, NOW).attention).toMatchObject([{ code: "preflight_blocked" }]);
  expect(settled({ ...session, overrides }, heard, NOW).attention).toEqual([]);
});

test("a refused announcement names the project and what an admin can do about it", () => {
  const answer = { ...anAnswer, ack: false, reason: "not now" };
  const heard = [{ ask: anAsk({ answer }), hearing: { kind: "answered", answer } as const }];

  expect(settled(aSession({ asking: asking("MAINTENANCE") }), heard, NOW).attention).toMatchObject([
    {
      code: "project_refused",
      project_id: "project-1",
      what_happens_next: expect.stringMatching(/overrides it or you abort$/),
    },
  ]);
});

test("a session of thousands of projects keeps the first of those it waits for, and how many they are", () => {
  const session = aSession({ maintenance_at: later(NOW, 3_600) });
  const projects = Array.from({ length: 5_000 }, (_, n) => `project-${n}`);
  const { asking } = openAsking(session, questionOf(session, NOW), projects, NOW);

  expect(asking?.project_ids).toEqual(projects.slice(0, 100));
  expect(asking && waitedFor(asking)).toBe(5_000);
});
