import { describe, expect, test } from "vitest";
import { breakerHold, breakerOf, isTripped } from "../../lib/domain/breaker.ts";
import type { HostRun } from "../../lib/domain/host-run.ts";
import { later } from "../../lib/domain/instant.ts";
import { aClaimedSession, aHost, NOW } from "./builders.ts";

const failed = (host: string, seconds = 0): HostRun =>
  aHost(host, { phase: "FINISHED", outcome: "failed", finished_at: later(NOW, seconds) });
const alarmed = (host: string, why: string, seconds = 0): HostRun =>
  aHost(host, { phase: "MOVING", alarm: { at: later(NOW, seconds), why } });

describe("the breaker", () => {
  test("lets one failed host pass and stops at the second, by name", () => {
    expect(breakerOf(aClaimedSession(), [failed("cmp-01"), aHost("cmp-02")])).toBeNull();
    expect(breakerOf(aClaimedSession(), [failed("cmp-02"), failed("cmp-01")])).toBe(
      "2 hosts have failed: cmp-01, cmp-02",
    );
  });

  test("stops at the first alarm of a host, in its words", () => {
    const runs = [
      alarmed("cmp-02", "3 moves in a row broke off", 60),
      alarmed("cmp-01", "instance web-01 is in ERROR", 30),
    ];

    expect(breakerOf(aClaimedSession(), runs)).toBe("cmp-01: instance web-01 is in ERROR");
  });

  test("does not count again what went wrong before the session was resumed", () => {
    const session = aClaimedSession({ resumed_at: later(NOW, 100) });
    const old = [failed("cmp-01", 50), failed("cmp-02", 100), alarmed("cmp-03", "old", 100)];

    expect(breakerOf(session, old)).toBeNull();
    expect(breakerOf(session, [...old, failed("cmp-04", 101)])).toBeNull();
    expect(breakerOf(session, [failed("cmp-04", 101), failed("cmp-05", 102)])).not.toBeNull();
    expect(breakerOf(session, [alarmed("cmp-03", "new", 101)])).toBe("cmp-03: new");
  });

  test("trips once, and only while there is something left to stop", () => {
    const two = [failed("cmp-01"), failed("cmp-02")];
    const tripped = aClaimedSession({ holds: [breakerHold("two", NOW)], control: "paused" });

    expect(isTripped(aClaimedSession(), [...two, aHost("cmp-03")])).not.toBeNull();
    expect(isTripped(tripped, [...two, aHost("cmp-03")])).toBeNull();
    expect(isTripped(aClaimedSession(), two)).toBeNull();
    expect(
      isTripped(aClaimedSession({ control: "aborting" }), [...two, aHost("cmp-03")]),
    ).toBeNull();
  });
});
