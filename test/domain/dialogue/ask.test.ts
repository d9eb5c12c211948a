import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deadlineOf, hearingOf } from "../../../lib/domain/dialogue/ask.ts";
import { later } from "../../../lib/domain/instant.ts";
import { anAsk, NOW } from "../builders.ts";

const answer = {
  ack: true,
  at: later(NOW, 30),
  by: "vnfm",
  actions: {},
  reason: null,
  not_before: null,
  override: null,
};
const reached = (since: string | null = NOW) => ({ kind: "reached", since }) as const;
const well = { wellSince: null, reach: reached() };

describe("an ask", () => {
  test("is open until its owner has answered or has had its time", () => {
    const ask = anAsk();

    expect(hearingOf(ask, { ...well, now: later(NOW, 119) }).kind).toBe("open");
    expect(hearingOf({ ...ask, answer }, { ...well, now: later(NOW, 30) }).kind).toBe("answered");
    expect(hearingOf(ask, { ...well, now: later(NOW, 120) }).kind).toBe("silent");
  });

  test("that was answered in time is answered, however late anybody looks", () => {
    expect(hearingOf(anAsk({ answer }), { ...well, now: later(NOW, 9_999) }).kind).toBe("answered");
  });

  test("of a project that does not listen waits for nobody", () => {
    expect(hearingOf(anAsk({ expects_reply: false }), { ...well, now: NOW }).kind).toBe("notice");
  });

  test("that got through to nobody is not taken for silence", () => {
    const at = (seconds: number, reach: "none" | "not_reached" | "pending") =>
      hearingOf(anAsk(), {
        now: later(NOW, seconds),
        wellSince: null,
        reach: { kind: reach, since: null },
      }).kind;

    expect(at(120, "not_reached")).toBe("not_reached");
    expect(at(120, "none")).toBe("not_reached");
    expect(at(120, "pending")).toBe("open");
    expect(at(1_019, "pending")).toBe("open");
    expect(at(1_020, "pending")).toBe("not_reached");
  });

  test("that nobody has heard yet is looked at soon again", () => {
    const hearing = hearingOf(anAsk(), {
      now: later(NOW, 200),
      wellSince: null,
      reach: { kind: "pending", since: null },
    });

    expect(hearing).toEqual({ kind: "open", until: later(NOW, 230) });
  });

  test("that was heard late, after many others, may still be answered", () => {
    const at = (seconds: number) =>
      hearingOf(anAsk(), {
        now: later(NOW, seconds),
        wellSince: null,
        reach: reached(later(NOW, 160)),
      });

    expect(at(219)).toEqual({ kind: "open", until: later(NOW, 220) });
    expect(at(220).kind).toBe("silent");
  });

  test("has a minute left, or its window, after a time in which nobody could answer", () => {
    const left = (window: number, wellAfter: number) =>
      (Date.parse(deadlineOf(anAsk({ reply_at: later(NOW, window) }), later(NOW, wellAfter))) -
        Date.parse(later(NOW, wellAfter))) /
      1000;

    expect(left(120, 100)).toBe(60);
    expect(left(120, 500)).toBe(60);
    expect(left(10, 500)).toBe(10);
    expect(left(120, 30)).toBe(90);
  });

  test("never comes to silence before its window is over, whatever was unwell", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.option(fc.integer({ min: -5_000, max: 5_000 })),
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom("reached", "pending", "not_reached", "none"),
        (window, wellAfter, after, reach) => {
          const ask = anAsk({ reply_at: later(NOW, window) });
          const wellSince = wellAfter === null ? null : later(NOW, wellAfter);
          const now = later(NOW, after);
          const { kind } = hearingOf(ask, { now, wellSince, reach: { kind: reach, since: null } });

          if (after < window) expect(kind).toBe("open");
          if (kind === "silent") expect(reach).toBe("reached");
        },
      ),
    );
  });
});
