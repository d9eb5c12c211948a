import { describe, expect, test } from "vitest";
import type { Ask } from "../../lib/domain/dialogue/ask.ts";
import { PHASES } from "../../lib/domain/host-run.ts";
import type { Move } from "../../lib/domain/move.ts";
import {
  concernedBy,
  newestMoves,
  openAsksOf,
  projectHostOf,
  projectIdSchema,
  projectInstanceOf,
  projectSummaryOf,
} from "../../lib/domain/project-view.ts";
import { aClaimedSession, aHost, aMove, anAsk, NOW } from "./builders.ts";

const hostIdOf = (host: string) => `hash of ${host.length}`;
const LATER = "2026-11-22T11:00:00.000Z";

const ANSWER = {
  ack: false,
  at: LATER,
  by: "vnfm",
  actions: {},
  reason: "busy hour",
  not_before: null,
  override: null,
};

describe("a session as a project sees it", () => {
  test("tells its window, the project's state and its instances by state", () => {
    const session = aClaimedSession({ ends_at: LATER, reason: "replace the fan of cmp-01" });
    const moves = ["moved", "moved", "waiting"].map((state, n) =>
      aMove({ instance_id: `i${n}`, state: state as Move["state"] }),
    );

    expect(projectSummaryOf(session, "project-1", moves, [])).toEqual({
      session_id: session.session_id,
      state: "PLANNED_MAINTENANCE",
      maintenance_at: NOW,
      ends_at: LATER,
      reply_at: null,
      instances_by_state: { moved: 2, waiting: 1 },
      overridden_at: null,
      created_at: NOW,
    });
  });

  test("is in the state that the project was told or asked last", () => {
    const asks = [
      anAsk({ ask_id: "2", state: "PREPARE_MAINTENANCE", asked_at: LATER }),
      anAsk({ ask_id: "1", state: "MAINTENANCE" }),
    ];
    const stateOf = (...asked: Ask[]) =>
      projectSummaryOf(aClaimedSession(), "project-1", [], asked).state;

    expect(stateOf()).toBe("MAINTENANCE");
    expect(stateOf(...asks)).toBe("PREPARE_MAINTENANCE");
    expect(stateOf(...asks.toReversed())).toBe("PREPARE_MAINTENANCE");
  });

  test("is about the instances it is asked about, or else about all", () => {
    const all = ["i3", "i1", "i2", "i1"];
    const open = anAsk({ instance_ids: ["i2"] });

    expect(concernedBy([open], all)).toEqual(["i2"]);
    expect(concernedBy([{ ...open, closed_at: NOW }], all)).toEqual(["i1", "i2", "i3"]);
    expect(concernedBy([{ ...open, expects_reply: false }], all)).toEqual(["i1", "i2", "i3"]);
  });

  test("shows what may still be answered, and what was answered so far", () => {
    const asks = openAsksOf([
      anAsk({ answer: ANSWER, asked_at: LATER }),
      anAsk({ state: "SCALE_IN" }),
      anAsk({ closed_at: LATER }),
      anAsk({ expects_reply: false }),
    ]);

    expect(asks.map(({ state, answer: given }) => [state, given?.state])).toEqual([
      ["SCALE_IN", undefined],
      ["PLANNED_MAINTENANCE", "NACK_PLANNED_MAINTENANCE"],
    ]);
    expect(JSON.stringify(asks)).not.toContain("vnfm");
  });

  test("tells the first date by which an answer is due, as long as one is", () => {
    const soon = anAsk({ reply_at: "2026-11-22T10:01:00.000Z" });
    const dueOf = (...asks: Ask[]) =>
      projectSummaryOf(aClaimedSession(), "project-1", [], asks).reply_at;

    expect(dueOf(anAsk(), soon)).toBe(soon.reply_at);
    expect(dueOf({ ...soon, closed_at: NOW }, anAsk())).toBe(anAsk().reply_at);
    expect(dueOf({ ...soon, expects_reply: false })).toBeNull();
    const answer = { ...ANSWER, ack: true };
    expect(dueOf({ ...soon, answer }, anAsk())).toBe(anAsk().reply_at);
    expect(dueOf({ ...soon, answer })).toBeNull();
  });

  test("is complete when all its hosts are finished or it is over", () => {
    const stateOf = (but: object) =>
      projectSummaryOf(aClaimedSession(but), "project-1", [], []).state;

    expect(stateOf({ state: "START_MAINTENANCE" })).toBe("MAINTENANCE");
    expect(stateOf({ state: "MAINTENANCE_COMPLETE" })).toBe("MAINTENANCE_COMPLETE");
    expect(stateOf({ state: "MAINTENANCE_FAILED", closed_at: LATER })).toBe("MAINTENANCE_COMPLETE");
  });

  test("does not promise moves that will never be made: over, they were not moved", () => {
    const states = ["waiting", "moving", "blocked", "moved", "gone", "staying"] as const;
    const moves = states.map((state) => aMove({ instance_id: state, state }));
    const over = aClaimedSession({ closed_at: LATER });

    expect(projectSummaryOf(over, "project-1", moves, []).instances_by_state).toEqual({
      unmoved: 3,
      moved: 1,
      gone: 1,
      staying: 1,
    });
  });
});

describe("an instance that had to leave one host after another", () => {
  const first = aMove({ host: "cmp-01", state: "moved", started_at: NOW, finished_at: LATER });

  test("stands as on the host that it still has to leave", () => {
    const second = aMove({ host: "cmp-02" });

    expect(newestMoves([first, second])).toEqual([second]);
    expect(newestMoves([second, first])).toEqual([second]);
  });

  test("stands as where it was moved last", () => {
    const last = { ...first, host: "cmp-02", finished_at: "2026-11-22T12:00:00.000Z" };

    expect(newestMoves([last, first])).toEqual([last]);
    expect(newestMoves([first, last])).toEqual([last]);
  });

  test("is told once", () => {
    const second = aMove({ host: "cmp-02", state: "moving" });
    const { instances_by_state } = projectSummaryOf(
      aClaimedSession(),
      "project-1",
      [first, second],
      [],
    );

    expect(instances_by_state).toEqual({ moving: 1 });
  });
});

describe("a host as a project sees it", () => {
  const stateOf = (run: Parameters<typeof aHost>[1]) =>
    projectHostOf(aClaimedSession(), aHost("cmp-01", run), [], hostIdOf).state;

  test("is planned, emptied, in work and back, phase by phase", () => {
    expect(PHASES.map((phase) => [phase, stateOf({ phase })])).toEqual([
      ["WAITING", "planned"],
      ["DISABLING", "planned"],
      ["CORDONED", "planned"],
      ["ASKING", "planned"],
      ["MOVING", "moving_away"],
      ["VERIFYING_EMPTY", "moving_away"],
      ["SILENCING", "moving_away"],
      ["ENTERING", "moving_away"],
      ["IN_MAINTENANCE", "in_maintenance"],
      ["VERIFYING", "in_maintenance"],
      ["RETIRING", "in_maintenance"],
      ["RESTORING", "in_maintenance"],
      ["STARTING", "in_maintenance"],
      ["ENABLING", "in_maintenance"],
      ["COMPLETING", "back"],
      ["FINISHED", "back"],
    ]);
  });

  test.each([
    ["one that failed is not back", { phase: "FINISHED", outcome: "failed" }, "in_maintenance"],
    ["one that was retired is not back", { phase: "FINISHED", outcome: "retired" }, "retired"],
    ["one given back without work is back", { phase: "RESTORING", outcome: "restored" }, "back"],
    ["one that waits again is planned", { phase: "RESTORING", waits_again: true }, "planned"],
  ] as const)("%s", (_, run, state) => {
    expect(stateOf(run)).toBe(state);
  });

  test("tells since when it is so", () => {
    const times = { phase_at: "3", started_at: "1", work_started_at: "2" };
    const sinceOf = (phase: (typeof PHASES)[number]) =>
      projectHostOf(aClaimedSession(), aHost("cmp-01", { phase, ...times }), [], hostIdOf).since;

    expect(["MOVING", "VERIFYING", "FINISHED"].map((p) => sinceOf(p as never))).toEqual([
      "1",
      "2",
      "3",
    ]);
  });
});

test("nothing that a project sees has a word of what admins, Nova and others say", () => {
  const secret = "cmp-secret";
  const session = aClaimedSession({
    hosts: [secret],
    targets: [secret],
    reason: secret,
    created_by: secret,
    metadata: { note: secret },
    holds: [{ code: "operator", by: secret, at: NOW, reason: secret }],
    aborted: { by: secret, at: NOW, reason: secret },
    attention: [
      {
        code: "host_failed",
        host: secret,
        instance: null,
        since: NOW,
        message: secret,
        what_happens_next: secret,
      },
    ],
  });
  const run = aHost(secret, { details: secret, trouble: secret, left_behind: secret });
  const move = aMove({
    host: secret,
    destination_host: secret,
    details: secret,
    refusals: [{ host: secret, at: NOW, times: 1, why: secret }],
  });

  const seen = [
    projectSummaryOf(session, "project-1", [move], []),
    projectInstanceOf(session, move, hostIdOf),
    projectHostOf(session, run, [move], hostIdOf),
  ];
  expect(JSON.stringify(seen)).not.toContain(secret);
});

describe("an id of a project", () => {
  test.each(["detail", "events", "hosts", "pause", "resume", "abort", "", "..", "a/1", "é1"])(
    "is never %j",
    (word) => {
      expect(projectIdSchema.safeParse(word).success).toBe(false);
    },
  );

  test.each(["9b9e3c847e904b0686e8ffb20e4c6381", crypto.randomUUID(), "1234567"])(
    "may be %j",
    (id) => {
      expect(projectIdSchema.safeParse(id).success).toBe(true);
    },
  );
});
