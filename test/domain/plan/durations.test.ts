import { describe, expect, test } from "vitest";
import { later } from "../../../lib/domain/instant.ts";
import {
  guessWork,
  learnMoves,
  learnWork,
  moveSeconds,
  type SeenMove,
  seenMoves,
  seenWork,
} from "../../../lib/domain/plan/durations.ts";
import { aHost, aMove, NOW } from "../builders.ts";

/** Moves that take 20 s and a second per 200 MB, each so many times as long as that. */
const movesOf = (sizes: readonly number[], ...times: readonly number[]): SeenMove[] =>
  sizes.map((memory_mb, n) => ({
    memory_mb,
    seconds: (20 + memory_mb / 200) * (times[n] ?? 1),
  }));

const SIZES = [2_000, 4_000, 8_000, 16_000, 32_000, 64_000];

describe("how long a move takes", () => {
  test("is learned from those that were seen, as something fixed and something per megabyte", () => {
    const { basis, observations, fix_seconds, mb_per_second } = learnMoves(movesOf(SIZES));

    expect({ basis, observations }).toEqual({ basis: "observed", observations: 6 });
    expect(fix_seconds).toBeCloseTo(20);
    expect(mb_per_second).toBeCloseTo(200);
  });

  test("is not mistaken because one of them hung", () => {
    const learned = learnMoves(movesOf([...SIZES, 8_000, 24_000], 1, 1, 1, 1, 1, 1, 1, 50));

    expect(moveSeconds(learned, 16_000)).toBeCloseTo(100, 0);
  });

  test("may be off by as much as the quartiles of what was seen", () => {
    const sizes = [8_000, 8_001, 8_002, 8_003, 8_004];
    const { low, high } = learnMoves(movesOf(sizes, 0.5, 0.8, 1, 1.4, 3));

    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(1);
    expect(low).toBeGreaterThan(0.3);
    expect(high).toBeLessThan(3);
  });

  test("is a guess, and is called one, while fewer than five were seen", () => {
    expect(learnMoves(movesOf(SIZES.slice(0, 4)))).toEqual({
      basis: "guess",
      observations: 4,
      low: 0.5,
      high: 2,
      fix_seconds: 10,
      mb_per_second: 500,
    });
  });

  test("is learned from moves of one size as far as they tell", () => {
    const learned = learnMoves(movesOf(Array(5).fill(8_000)));

    expect(learned.basis).toBe("observed");
    expect(moveSeconds(learned, 8_000)).toBeCloseTo(60);
    expect(moveSeconds(learned, 16_000)).toBeGreaterThan(60);
  });

  test("is never nothing", () => {
    const learned = learnMoves(SIZES.map((memory_mb) => ({ memory_mb, seconds: 0 })));

    expect(moveSeconds({ ...learned, fix_seconds: 0 }, 0)).toBe(1);
    expect(learned.high).toBeGreaterThanOrEqual(1);
    expect(Number.isFinite(learned.mb_per_second)).toBe(true);
  });
});

describe("of a session it is learned", () => {
  const ended = { state: "moved", tries: 1, started_at: NOW, finished_at: later(NOW, 42) } as const;
  const memoryOf = (id: string) => (id === "instance-1" ? 4_096 : undefined);

  test("from live migrations that went through at once", () => {
    expect(seenMoves([aMove(ended)], memoryOf)).toEqual([{ memory_mb: 4_096, seconds: 42 }]);
  });

  test.each([
    ["a second try", { tries: 2 }],
    ["a cold migration", { action: "MIGRATE" }],
    ["a move that did not end well", { state: "blocked" }],
    ["an instance that is gone", { instance_id: "instance-2" }],
  ] as const)("not from %s", (_, but) => {
    expect(seenMoves([aMove({ ...ended, ...but })], memoryOf)).toEqual([]);
  });

  test("how long a host is away, until it takes instances again", () => {
    const worked = {
      outcome: "maintained",
      work_started_at: NOW,
      work_ended_at: later(NOW, 600),
      finished_at: later(NOW, 700),
    } as const;

    expect(seenWork([aHost("a", worked), aHost("b", { ...worked, outcome: "failed" })])).toEqual([
      700,
    ]);
  });
});

describe("how long the work takes", () => {
  test("is the median of what was seen, give or take its quartiles", () => {
    expect(learnWork([900, 1_000, 1_000, 1_100, 4_000], 5)).toEqual({
      basis: "observed",
      observations: 5,
      seconds: 1_000,
      low: 1,
      high: 1.1,
    });
  });

  test("is what the request says while too little was seen", () => {
    expect(learnWork([900, 900, 900, 900], 1_234)).toMatchObject({
      basis: "guess",
      observations: 4,
      seconds: 1_234,
    });
  });

  test.each([
    ["host_minutes, if they are told", { host_minutes: 40, actions: [] }, 2_400],
    ["a timed hold, and three heartbeats", { host_minutes: null, actions: [hold(300)] }, 375],
    ["half an hour for work that nobody times", { host_minutes: null, actions: [hook()] }, 1_875],
    ["its time-out at most", { host_minutes: null, actions: [hook(10)] }, 675],
    ["the heartbeats alone, where nothing is done", { host_minutes: null, actions: [] }, 75],
  ])("is guessed by %s", (_, request, seconds) => {
    expect(guessWork(request, 25)).toBe(seconds);
  });
});

function hold(seconds: number) {
  return { plugin: "hold", type: "host", metadata: { seconds } } as const;
}
function hook(ttl_minutes?: number) {
  const metadata: Record<string, number> = ttl_minutes === undefined ? {} : { ttl_minutes };
  return { plugin: "webhook", type: "host", metadata } as const;
}
