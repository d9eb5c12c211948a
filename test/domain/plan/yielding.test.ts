import { describe, expect, test } from "vitest";
import { givesWay, waitsForOthers } from "../../../lib/domain/plan/yielding.ts";
import { aHost } from "../builders.ts";

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 22, 10, minute)).toISOString();

const emptied = (host: string, minute: number) =>
  aHost(host, { phase: "MOVING", started_at: at(minute), phase_at: at(minute) });

describe("of two hosts that cannot be emptied side by side", () => {
  const first = emptied("cmp-01", 0);
  const second = emptied("cmp-02", 1);
  const both = [first, second];

  test("the one that was started later gives way, the other does not", () => {
    expect(givesWay(second, both, at(20))).toBe(true);
    expect(givesWay(first, both, at(20))).toBe(false);
  });

  test("neither gives way at once", () => {
    expect(givesWay(second, both, at(5))).toBe(false);
  });

  test("one alone never gives way", () => {
    expect(givesWay(second, [second, { ...first, phase: "FINISHED" }], at(60))).toBe(false);
  });
});

describe("a host that gave way", () => {
  const waiting = aHost("cmp-02", { phase: "WAITING", yielded_at: at(20) });

  test("waits while the others are at it", () => {
    expect(waitsForOthers(waiting, [waiting, emptied("cmp-01", 0)])).toBe(true);
  });

  test("has its turn again when one of them has ended", () => {
    const ended = aHost("cmp-03", { phase: "FINISHED", finished_at: at(30) });
    expect(waitsForOthers(waiting, [waiting, emptied("cmp-01", 0), ended])).toBe(false);
  });

  test("has its turn again when nobody is at it: a session never waits for itself", () => {
    const cordoned = aHost("cmp-01", { phase: "CORDONED", cordon: true });

    expect(waitsForOthers(waiting, [waiting])).toBe(false);
    expect(waitsForOthers(waiting, [waiting, cordoned])).toBe(false);
  });
});
