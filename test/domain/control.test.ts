import { describe, expect, test } from "vitest";
import {
  abort,
  hide,
  override,
  pause,
  resume,
  retryMoves,
  staysChanged,
} from "../../lib/domain/control.ts";
import { ConflictError, ForbiddenError } from "../../lib/domain/errors.ts";
import type { Move } from "../../lib/domain/move.ts";
import type { Session } from "../../lib/domain/session.ts";
import { aClaimedSession, aHost, NOW } from "./builders.ts";

const LATER = "2026-11-22T11:00:00.000Z";

const by = (name: string, reason = "storm", at = NOW) => ({ by: name, at, reason });
const open = aClaimedSession();
const over = aClaimedSession({ closed_at: NOW });

/** What an order made of the session; it must have made something. */
const made = (session: Session | null): Session => {
  if (session === null) throw new Error("nothing changed");
  return session;
};
const aborted = made(abort(open, by("alice")));

describe("a pause", () => {
  const paused = made(pause(open, by("alice")));

  test("holds the session, says who did it and why, and counts as a change", () => {
    expect(paused).toMatchObject({
      control: "paused",
      holds: [{ code: "operator", by: "alice", at: NOW, reason: "storm" }],
      sequence: open.sequence + 1,
    });
  });

  test("by the same person again replaces the reason, not the time", () => {
    expect(made(pause(paused, by("alice", "still storm", LATER))).holds).toEqual([
      { code: "operator", by: "alice", at: NOW, reason: "still storm" },
    ]);
    expect(pause(paused, by("alice", "storm", LATER))).toBeNull();
  });

  test("by another person is another hold", () => {
    expect(made(pause(paused, by("bob"))).holds.map((hold) => hold.by)).toEqual(["alice", "bob"]);
  });

  test("of a session that is over, or aborted, is a conflict", () => {
    expect(() => pause(over, by("alice"))).toThrow(ConflictError);
    expect(() => pause(aborted, by("bob"))).toThrow("was aborted by alice");
  });
});

describe("a resume", () => {
  const breaker = { code: "breaker", by: "lull", at: NOW, reason: "2 hosts failed" } as const;
  const paused = made(pause({ ...open, holds: [breaker] }, by("alice")));

  test("lifts every hold, the breaker's too, and forgets what went wrong before", () => {
    expect(resume(paused, by("bob", "", LATER))).toMatchObject({
      control: "running",
      holds: [],
      resumed_at: LATER,
    });
  });

  test("of a session that is not paused changes nothing", () => {
    expect(resume(open, by("bob"))).toBeNull();
  });

  test("of a session that is over, or aborted, is a conflict", () => {
    expect(() => resume({ ...paused, closed_at: NOW }, by("bob"))).toThrow("is over");
    expect(() => resume(aborted, by("bob"))).toThrow("was aborted by alice");
  });
});

describe("an override of a project", () => {
  const order = override("project-1");

  test("is a second admin's, and says who, when and why", () => {
    expect(made(order(open, by("bob"))).overrides).toEqual([
      { project_id: "project-1", by: "bob", at: NOW, reason: "storm" },
    ]);
    expect(() => order(open, by(open.created_by))).toThrow(ForbiddenError);
  });

  test("stands as it was given first, for this project alone", () => {
    const overridden = made(order(open, by("bob")));

    expect(order(overridden, by("carol"))).toBeNull();
    expect(made(override("project-2")(overridden, by("bob"))).overrides).toHaveLength(2);
  });

  test("leaves nobody to look at its refusal, but at those of others", () => {
    const refused = (project_id: string) => ({
      code: "project_refused",
      host: null,
      instance: null,
      project_id,
      since: NOW,
      message: "",
      what_happens_next: "",
    });
    const others = [refused("project-2"), { ...refused("project-1"), code: "breaker" }];
    const session = { ...open, attention: [refused("project-1"), ...others] };

    expect(made(order(session, by("bob"))).attention).toEqual(others);
  });

  test("comes too late when the session is over or aborted", () => {
    for (const late of [over, aborted]) expect(() => order(late, by("bob"))).toThrow(ConflictError);
  });
});

describe("an abort", () => {
  test("is for good, also of a session that is paused", () => {
    const paused = made(pause(open, by("bob")));

    expect(abort(paused, by("alice"))).toMatchObject({
      control: "aborting",
      aborted: { by: "alice", at: NOW, reason: "storm" },
    });
  });

  test("that comes second changes nothing: the first one stands, also once all is over", () => {
    expect(abort(aborted, by("bob"))).toBeNull();
    expect(abort({ ...aborted, closed_at: LATER }, by("bob"))).toBeNull();
  });

  test("of a session that ended without is a conflict", () => {
    expect(() => abort(over, by("alice"))).toThrow(ConflictError);
  });
});

describe("hiding a session", () => {
  test("aborts one that is not over, in the words of who aborted it first", () => {
    expect(hide(open, by("alice", "deleted"))).toMatchObject({
      control: "aborting",
      aborted: { by: "alice", reason: "deleted" },
      hidden_at: NOW,
    });
    expect(hide(aborted, by("bob", "deleted"))).toMatchObject({ aborted: { by: "alice" } });
  });

  test("of one that is over aborts nothing, and twice is once", () => {
    const hidden = made(hide(over, by("alice", "deleted")));

    expect(hidden).toMatchObject({ control: "running", aborted: null, hidden_at: NOW });
    expect(hide(hidden, by("bob"))).toBeNull();
  });
});

test("trying the stuck instances of a host anew is noted by host", () => {
  const once = retryMoves(open, "cmp-01", by("alice"));

  expect(retryMoves(once, "cmp-02", by("alice", "", LATER)).retried).toEqual({
    "cmp-01": NOW,
    "cmp-02": LATER,
  });
  expect(() => retryMoves(aborted, "cmp-01", by("bob"))).toThrow(ConflictError);
});

describe("what stays changed after an abort", () => {
  const aMove = (over: Partial<Move>) =>
    ({ host: "cmp-01", state: "moved", action: "LIVE_MIGRATE", ...over }) as Move;
  const hold = { plugin: "hold", hook_id: null, started_at: null, details: null };

  test("is nothing when nothing was moved and no host was worked on", () => {
    const hosts = [
      aHost("cmp-01", { phase: "MOVING" }),
      aHost("cmp-02", { phase: "FINISHED", outcome: "restored" }),
    ];

    expect(staysChanged(open, hosts, [aMove({ state: "waiting" })])).toEqual([]);
  });

  test("are hosts in work and those that failed, until they are released", () => {
    const hosts = [
      aHost("cmp-01", { phase: "IN_MAINTENANCE", actions: [{ ...hold, state: "RUNNING" }] }),
      aHost("cmp-02", { phase: "FINISHED", outcome: "failed" }),
    ];

    expect(staysChanged(open, hosts, [])).toEqual([
      expect.stringMatching(/^cmp-01 is in work; what runs there ends/),
      "cmp-02 stays disabled and silenced until it is released",
    ]);
  });

  test("are instances, told by host and by what was done with them", () => {
    const moves = [
      aMove({}),
      aMove({}),
      aMove({ action: "OFFLOAD" }),
      aMove({ state: "moving" }),
      aMove({ host: "cmp-02", action: "MIGRATE" }),
    ];

    expect(staysChanged(open, [], moves)).toEqual([
      "2 instances moved away from cmp-01 and not moved back",
      "1 instance of cmp-01 shelved and offloaded",
      "1 instance on the way from cmp-01, which is seen to its end",
      "1 instance moved away from cmp-02 and not moved back",
    ]);
  });
});
