import { describe, expect, test } from "vitest";
import { entering } from "../../lib/domain/host-run.ts";
import { later } from "../../lib/domain/instant.ts";
import { goingOn, secondsDraining, secondsInPhase, stopped } from "../../lib/domain/standstill.ts";
import { aHost, NOW } from "./builders.ts";

const HOUR = 3_600;
const hoursOn = (hours: number) => later(NOW, hours * HOUR);
const atWork = aHost("cmp-01", { phase: "IN_MAINTENANCE", phase_at: NOW, started_at: NOW });

describe("the clocks of a host that stands still", () => {
  test("stop, and go on when it does", () => {
    const still = stopped(atWork, "frozen", hoursOn(1));

    expect(secondsInPhase(still, hoursOn(5))).toBe(HOUR);
    expect(secondsInPhase(goingOn(still, hoursOn(5)), hoursOn(6))).toBe(2 * HOUR);
    expect(secondsDraining(goingOn(still, hoursOn(5)), hoursOn(6))).toBe(2 * HOUR);
  });

  test("do not take what they stood in an earlier phase from the next one", () => {
    const next = entering(stopped(atWork, "frozen", hoursOn(1)), "VERIFYING", hoursOn(10));

    expect(secondsInPhase(next, hoursOn(11))).toBe(0);
    expect(secondsInPhase(goingOn(next, hoursOn(11)), hoursOn(12))).toBe(HOUR);
    expect(secondsDraining(goingOn(next, hoursOn(11)), hoursOn(12))).toBe(2 * HOUR);
  });
});
