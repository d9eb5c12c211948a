import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectedPause, forcesOf, nextStep } from "../../lib/domain/forcing.ts";
import { later } from "../../lib/domain/instant.ts";
import { withProgress } from "../../lib/domain/move.ts";
import { NOW } from "./builders.ts";

const MIB = 2 ** 20;

/** It got nearer to its end for the last time now, and had sent 1000 MiB by then. */
const nearest = { left: 100 * MIB, most: 400 * MIB, sent: 1_000 * MIB, at: NOW };
/** A minute later 6000 MiB more have been sent, 100 in a second; since then at most 400 MiB were left. */
const copied = { disk_left: 0, memory_sent: 7_000 * MIB };
const THEN = later(NOW, 60);

describe("the pause to expect", () => {
  test("is the most that was left at the rate at which this migration has sent since it got on", () => {
    expect(expectedPause(nearest, copied, THEN)).toBe(4);
  });

  test("is that of a whole pass, also at the end of one, when hardly anything is left of it", () => {
    const pass = [300, 200, 100, 1, 300, 200, 100, 1];
    const seen = pass.map((left, n) => ({ left, memory: left, sent: (n + 1) * 100 }));
    const progress = seen.reduce(
      (before: ReturnType<typeof withProgress>, one, n) =>
        withProgress(before, one, later(NOW, n * 10)),
      null,
    );

    expect(progress).toMatchObject({ left: 1, most: 300, at: later(NOW, 30) });
    expect(expectedPause(progress, { disk_left: 0, memory_sent: 800 }, later(NOW, 70))).toBe(30);
  });

  test("is not known before a rate was seen", () => {
    expect(expectedPause(null, copied, THEN)).toBeNull();
    expect(expectedPause({ ...nearest, sent: null }, copied, THEN)).toBeNull();
    expect(expectedPause({ ...nearest, most: null }, copied, THEN)).toBeNull();
    expect(expectedPause(nearest, copied, NOW)).toBeNull();
  });

  test("is not known while nothing is sent, or disks are left to copy", () => {
    expect(expectedPause(nearest, { ...copied, memory_sent: nearest.sent }, THEN)).toBeNull();
    expect(expectedPause(nearest, { ...copied, disk_left: 1 }, THEN)).toBeNull();
  });

  test("is seen from where the migration last got nearer to its end", () => {
    const first = withProgress(null, { left: 500, memory: 450, sent: 100 }, NOW);
    const nearer = withProgress(first, { left: 400, memory: 400, sent: 300 }, THEN);

    expect(nearer).toEqual({ left: 400, most: 400, sent: 300, at: THEN });
    const further = { left: 450, memory: 450, sent: 900 };
    expect(withProgress(nearer, further, later(THEN, 9))).toEqual({ ...nearer, most: 450 });
    expect(withProgress(nearer, { ...further, left: 400, memory: 400 }, THEN)).toBe(nearer);
    expect(withProgress(nearer, null, later(THEN, 9))).toBe(nearer);
  });

  test("stays unknown of a migration whose samples were not kept from the start", () => {
    const old = { left: 400, most: null, sent: 300, at: NOW };

    expect(withProgress(old, { left: 450, memory: 450, sent: 900 }, THEN)).toBe(old);
  });
});

const stalled = {
  isStalled: true,
  isAllowed: true,
  most: 10,
  pause: 4,
  forcedAt: null,
  isSpent: false,
};

describe("a live migration that no longer gets on", () => {
  test("is forced when session and owner allow it, and the pause is short enough", () => {
    expect(nextStep(stalled, NOW)).toBe("force");
    expect(nextStep({ ...stalled, pause: 10 }, NOW)).toBe("force");
  });

  test.each([
    ["the session does not allow it", { isAllowed: false }],
    ["its owner has never said how long it bears", { most: null }],
    ["the pause would be longer than its owner said", { pause: 10.1 }],
    ["nobody can tell how long the pause would be", { pause: null }],
    ["its owner bears no interruption", { most: 0 }],
    ["its owner bears none, however short", { most: 0, pause: 0 }],
    ["it was forced before, or Nova would not", { isSpent: true }],
  ])("is aborted when %s", (_, but) => {
    expect(nextStep({ ...stalled, ...but }, NOW)).toBe("abort");
  });

  test("is left alone for as long as its owner bears the pause, then aborted", () => {
    const forced = { ...stalled, forcedAt: NOW, isSpent: true };

    expect(nextStep(forced, later(NOW, 10))).toBe("wait");
    expect(nextStep(forced, later(NOW, 11))).toBe("abort");
    expect(nextStep({ ...forced, isStalled: false }, later(NOW, 11))).toBe("abort");
    expect(nextStep({ ...forced, most: null }, later(NOW, 1))).toBe("abort");
  });

  test("is only ever forced where everybody agrees, for no longer than was said", () => {
    const numbers = fc.option(fc.float({ min: 0, max: 5_000, noNaN: true }));
    const situations = fc.record({
      isStalled: fc.boolean(),
      isAllowed: fc.boolean(),
      most: fc.option(fc.integer({ min: 0, max: 3_600 })),
      progress: fc.option(
        fc.record({ left: numbers.map((n) => n ?? 0), sent: numbers, most: numbers }),
      ),
      memory_sent: fc.nat(10_000),
      disk_left: fc.constantFrom(0, 0, 0, 1),
      seconds: fc.nat(600),
      forcedAt: fc.option(fc.constant(NOW)),
      isSpent: fc.boolean(),
    });
    let forced = 0;
    fc.assert(
      fc.property(situations, ({ progress, seconds, ...is }) => {
        const now = later(NOW, seconds);
        const pause = expectedPause(progress && { ...progress, at: NOW }, is, now);
        if (nextStep({ ...is, pause }, now) !== "force") return;
        forced += 1;
        expect(is).toMatchObject({ isStalled: true, isAllowed: true, disk_left: 0 });
        expect(is).toMatchObject({ forcedAt: null, isSpent: false });
        const rate = (is.memory_sent - (progress?.sent ?? Number.NaN)) / seconds;
        expect(is.most).toBeGreaterThan(0);
        expect((progress?.most ?? Number.NaN) / rate).toBeLessThanOrEqual(
          (is.most ?? Number.NaN) * (1 + 1e-9),
        );
      }),
      { numRuns: 20_000 },
    );
    expect(forced).toBeGreaterThan(100);
  });
});

test("an instance's forces are those of all its moves, and no other's", () => {
  const effects = [
    { effect: "force_complete#live_migrate#vm-1#001", instance_id: "vm-1" },
    { effect: "force_complete#live_migrate#vm-2#001", instance_id: "vm-2" },
    { effect: "live_migrate#vm-1#001", instance_id: "vm-1" },
  ];

  expect(forcesOf(effects, "vm-1")).toEqual([effects[0]]);
});
