import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  disabledReason,
  entering,
  givingBack,
  isActive,
  isBeforeWork,
  isLeftover,
  isOurReason,
  leavingForHuman,
  PHASES,
  puttingOff,
} from "../../lib/domain/host-run.ts";
import { aHost, SESSION_ID } from "./builders.ts";

const LATER = "2026-11-22T10:15:00.000Z";

const anAction = {
  plugin: "webhook",
  state: "PENDING",
  hook_id: null,
  started_at: null,
  details: null,
  released: false,
} as const;

describe("the reason of our disable", () => {
  const ids = fc.uuid();
  const links = fc.webUrl({ size: "large" });

  test("is known again by the session that wrote it, and fits Nova's column", () => {
    fc.assert(
      fc.property(ids, fc.option(links, { nil: "" }), (id, link) => {
        const reason = disabledReason(id, link);

        expect(isOurReason(reason, id)).toBe(true);
        expect(reason.length).toBeLessThanOrEqual(255);
      }),
    );
  });

  test("is not known by another session, even one whose id begins alike", () => {
    fc.assert(
      fc.property(ids, ids, links, fc.string({ minLength: 1 }), (one, other, link, more) => {
        fc.pre(one !== other && more.trim() !== "" && !more.startsWith(" "));

        expect(isOurReason(disabledReason(one, link), other)).toBe(false);
        expect(isOurReason(disabledReason(`${one}${more}`, link), one)).toBe(false);
        expect(isOurReason(disabledReason(one.slice(0, -1), link), one)).toBe(false);
      }),
    );
  });

  test.each([null, undefined, "", "lull:", "bad DIMM", `not lull:${SESSION_ID}`])(
    "is not %j",
    (reason) => {
      expect(isOurReason(reason, SESSION_ID)).toBe(false);
    },
  );
});

describe("a host", () => {
  test("waits for its session with all its actions to do", () => {
    expect(aHost("cmp-01")).toMatchObject({ phase: "WAITING", outcome: null, run_id: null });
  });

  test("takes one of the parallel places from its start to its end", () => {
    const active = PHASES.filter((phase) => isActive(aHost("cmp-01", { phase })));

    expect(active).toEqual(PHASES.slice(1, -1));
  });

  test("may be given back until its work begins, and not after", () => {
    const actions = [{ ...anAction, state: "RUNNING" } as const];
    const before = PHASES.filter((phase) => isBeforeWork(aHost("cmp-01", { phase, actions })));

    expect(before).toEqual([
      "WAITING",
      "DISABLING",
      "CORDONED",
      "ASKING",
      "MOVING",
      "VERIFYING_EMPTY",
      "SILENCING",
      "ENTERING",
    ]);
  });

  test("may still be given back while none of its actions has been asked for", () => {
    const host = aHost("cmp-01", { phase: "IN_MAINTENANCE", actions: [anAction] });

    expect(isBeforeWork(host)).toBe(true);
    expect(isBeforeWork({ ...host, actions: [{ ...anAction, state: "DONE" }, anAction] })).toBe(
      false,
    );
  });

  test("enters each phase with a new time and without the words of the last one", () => {
    expect(entering(aHost("cmp-01", { details: "looking" }), "MOVING", LATER)).toMatchObject({
      phase: "MOVING",
      phase_at: LATER,
      details: null,
    });
  });

  test("that is given back still has its monitoring and its service restored", () => {
    expect(givingBack(aHost("cmp-01", { phase: "MOVING" }), LATER, "aborted")).toMatchObject({
      phase: "RESTORING",
      outcome: "restored",
      details: "aborted",
      finished_at: null,
    });
  });

  test("that was worked on in an earlier try is not given back unverified", () => {
    const worked = aHost("cmp-01", { phase: "MOVING", worked: true });

    expect(givingBack(worked, LATER, "aborted")).toMatchObject({
      phase: "FINISHED",
      outcome: "failed",
      details: "aborted",
    });
  });

  test("that is left for a human is finished, failed, and says why", () => {
    expect(leavingForHuman(aHost("cmp-01"), LATER, "webhook failed")).toMatchObject({
      phase: "FINISHED",
      outcome: "failed",
      finished_at: LATER,
      details: "webhook failed",
    });
  });
});

test("what another session of ours left disabled is a leftover; ours and other people's are not", () => {
  const ours = disabledReason(SESSION_ID, "");
  const theirs = disabledReason(`${SESSION_ID}0`, "https://lull.example/status/cmp-01");

  expect(isLeftover(theirs, SESSION_ID)).toBe(true);
  expect(isLeftover(ours, SESSION_ID)).toBe(false);
  expect(isLeftover("bad DIMM", SESSION_ID)).toBe(false);
  expect(isLeftover(null, SESSION_ID)).toBe(false);
});

describe("a host that is put off", () => {
  test("is given back, and waits for its turn again", () => {
    expect(puttingOff(aHost("cmp-01", { phase: "MOVING" }), LATER, "later")).toMatchObject({
      phase: "RESTORING",
      outcome: null,
      waits_again: true,
    });
  });

  test("after it was worked on is left for a human, who is told", () => {
    const worked = aHost("cmp-01", { phase: "MOVING", worked: true });

    expect(puttingOff(worked, LATER, "later")).toMatchObject({
      phase: "FINISHED",
      outcome: "failed",
      waits_again: false,
    });
  });
});
