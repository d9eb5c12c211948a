import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { later } from "../../lib/domain/instant.ts";
import {
  fitsInto,
  lastEndOf,
  secondsPerHost,
  windowsAt,
  windowsOf,
} from "../../lib/domain/windows.ts";
import { aHost, aSession, NOW } from "./builders.ts";

const hour = (n: number) => later(NOW, n * 3_600);
const window = (from: number, to: number) => ({ starts_at: hour(from), ends_at: hour(to) });

describe("the windows of a session", () => {
  const session = aSession({
    maintenance_at: hour(0),
    ends_at: hour(4),
    next_windows: [window(24, 28), window(48, 52)],
  });

  test.each([
    ["before the first", -1, null, 0],
    ["at the start of the first", 0, 0, 24],
    ["at its end", 4, null, 24],
    ["in the second", 25, 24, 48],
    ["in the last", 51, 48, null],
    ["after the last", 52, null, null],
  ])("%s", (_, at, open, next) => {
    const found = windowsAt(session, hour(at));

    expect(found.open?.starts_at ?? null).toBe(open === null ? null : hour(open));
    expect(found.next?.starts_at ?? null).toBe(next === null ? null : hour(next));
  });

  test("end with the last of them", () => {
    expect(lastEndOf(session)).toBe(hour(52));
    expect(lastEndOf(aSession({ ends_at: hour(4) }))).toBe(hour(4));
    expect(lastEndOf({ ...session, ends_at: null })).toBeNull();
  });

  test("have no end when the session has none", () => {
    expect(windowsAt(aSession({ ends_at: null }), hour(10_000)).open).toEqual({
      starts_at: NOW,
      ends_at: null,
    });
  });

  test("are one where they touch or overlap, in whatever order they are given", () => {
    const joined = aSession({
      maintenance_at: hour(0),
      ends_at: hour(2),
      next_windows: [window(5, 6), window(1, 3), window(3, 4)],
    });

    expect(windowsOf(joined)).toEqual([window(0, 4), window(5, 6)]);
  });

  test("are apart and in order, and none is open twice", () => {
    const pairs = fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(
        pairs,
        fc.array(pairs, { maxLength: 6 }),
        fc.nat(80),
        ([from, length], more, at) => {
          const given = [[from, length] as const, ...more].map(([start, long]) =>
            window(start, start + long),
          );
          const windows = windowsOf(
            aSession({
              maintenance_at: hour(from),
              ends_at: hour(from + length),
              next_windows: given.slice(1),
            }),
          );
          const holds = (all: readonly { starts_at: string; ends_at: string | null }[]) =>
            all.some(
              ({ starts_at, ends_at }) => starts_at <= hour(at) && hour(at) < (ends_at ?? ""),
            );

          expect(holds(windows)).toBe(holds(given));
          for (const [n, { starts_at }] of windows.entries())
            if (n > 0) expect((windows[n - 1]?.ends_at ?? "") < starts_at).toBe(true);
        },
      ),
    );
  });
});

describe("the time a host takes", () => {
  const done = (minutes: number, stood_still = 0) =>
    aHost(`cmp-${minutes}`, {
      phase: "FINISHED",
      outcome: "maintained",
      started_at: NOW,
      finished_at: later(NOW, minutes * 60),
      stood_still,
    });

  test("is what the session says", () => {
    expect(secondsPerHost(aSession({ host_minutes: 30 }), [done(90)])).toBe(1_800);
  });

  test("is else the longest seen, without the time it stood still", () => {
    expect(secondsPerHost(aSession(), [done(20), done(50, 1_500), done(30)])).toBe(1_800);
  });

  test("is not known before a host was maintained: one that failed may have run into a time-out", () => {
    const failed = aHost("cmp-01", { ...done(240), outcome: "failed" });

    expect(secondsPerHost(aSession(), [aHost("cmp-02"), failed])).toBeNull();
  });

  test("decides whether a host is started before the end of a window", () => {
    expect(fitsInto(window(0, 1), 3_600, hour(0))).toBe(true);
    expect(fitsInto(window(0, 1), 3_601, hour(0))).toBe(false);
    expect(fitsInto(window(0, 1), null, hour(0.99))).toBe(true);
    expect(fitsInto({ starts_at: NOW, ends_at: null }, 10 ** 9, NOW)).toBe(true);
  });
});
