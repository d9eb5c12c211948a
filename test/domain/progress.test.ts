import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HostRun, PHASES } from "../../lib/domain/host-run.ts";
import { deriveState, percentDone, resultOf } from "../../lib/domain/progress.ts";
import { aClaimedSession, aHost, aSession, NOW } from "./builders.ts";

const maintained = { phase: "FINISHED", outcome: "maintained" } as const;

describe("the state of a session", () => {
  test("is MAINTENANCE until it owns its hosts", () => {
    expect(deriveState(aSession(), [])).toBe("MAINTENANCE");
  });

  test("is START_MAINTENANCE while no host has instances on the move", () => {
    const runs = [aHost("cmp-01", { phase: "DISABLING" }), aHost("cmp-02")];

    expect(deriveState(aClaimedSession(), runs)).toBe("START_MAINTENANCE");
  });

  test("is PLANNED_MAINTENANCE as soon as instances are moved", () => {
    const runs = [aHost("cmp-01", { phase: "MOVING", instances_left: 2 }), aHost("cmp-02")];

    expect(deriveState(aClaimedSession(), runs)).toBe("PLANNED_MAINTENANCE");
  });

  test("stays PLANNED_MAINTENANCE between two hosts", () => {
    const runs = [aHost("cmp-01", maintained), aHost("cmp-02")];

    expect(deriveState(aClaimedSession(), runs)).toBe("PLANNED_MAINTENANCE");
  });

  test("is MAINTENANCE_COMPLETE when all hosts have finished, until it is closed", () => {
    const runs = [aHost("cmp-01", maintained), aHost("cmp-02", maintained)];

    expect(deriveState(aClaimedSession(), runs)).toBe("MAINTENANCE_COMPLETE");
    expect(deriveState(aClaimedSession({ closed_at: NOW }), runs)).toBe("MAINTENANCE_DONE");
  });

  test.each(["restored", "failed", null] as const)(
    "is MAINTENANCE_FAILED when a host ended as %s",
    (outcome) => {
      const runs = [aHost("cmp-01", maintained), aHost("cmp-02", { phase: "FINISHED", outcome })];

      expect(deriveState(aClaimedSession({ closed_at: NOW }), runs)).toBe("MAINTENANCE_FAILED");
    },
  );

  test("is MAINTENANCE_FAILED when the session ended before it had its hosts", () => {
    expect(deriveState(aSession({ closed_at: NOW }), [])).toBe("MAINTENANCE_FAILED");
  });
});

describe("the share that is done", () => {
  const phases = fc.array(fc.constantFrom(...PHASES), { minLength: 1, maxLength: 12 });
  const runsIn = (list: readonly (typeof PHASES)[number][]) =>
    list.map((phase, n) => aHost(`cmp-${n}`, { phase }));
  const hostsOf = (list: readonly unknown[]) => list.map((_, n) => `cmp-${n}`);

  test("is 100 only when every host has finished", () => {
    fc.assert(
      fc.property(phases, (list) => {
        const percent = percentDone(aSession({ hosts: hostsOf(list) }), runsIn(list));

        expect(Number.isInteger(percent) && percent >= 0 && percent <= 100).toBe(true);
        expect(percent === 100).toBe(list.every((phase) => phase === "FINISHED"));
      }),
    );
  });

  test("never falls when a host finishes", () => {
    fc.assert(
      fc.property(phases, fc.nat(), (list, which) => {
        const session = aSession({ hosts: hostsOf(list) });
        const after = list.with(which % list.length, "FINISHED");

        expect(percentDone(session, runsIn(after))).toBeGreaterThanOrEqual(
          percentDone(session, runsIn(list)),
        );
      }),
    );
  });

  test("counts hosts that are not claimed yet", () => {
    expect(percentDone(aSession(), [aHost("cmp-01", maintained)])).toBe(50);
  });
});

describe("the result of a session", () => {
  const ended = (first: HostRun["outcome"], second: HostRun["outcome"], but = {}) =>
    resultOf(aClaimedSession({ closed_at: NOW, ...but }), [
      aHost("cmp-01", { phase: "FINISHED", outcome: first }),
      aHost("cmp-02", { phase: "FINISHED", outcome: second }),
    ]);
  const blocked = {
    code: "preflight_blocked",
    host: "cmp-01",
    instance: null,
    since: NOW,
    message: "down",
    what_happens_next: "nothing",
  };

  test.each([
    ["maintained", "maintained", "done"],
    ["maintained", "retired", "done"],
    ["maintained", "failed", "partial"],
    ["released", "maintained", "partial"],
    ["restored", "failed", "failed"],
    [null, null, "failed"],
  ] as const)("of hosts that are %s and %s is %s", (first, second, result) => {
    expect(ended(first, second)).toBe(result);
  });

  test("is nothing while it is open", () => {
    expect(ended("maintained", "maintained", { closed_at: null })).toBeNull();
  });

  test("is that it was aborted, unless everything was done by then", () => {
    expect(ended("maintained", "restored", { control: "aborting" })).toBe("aborted");
    expect(ended("maintained", "maintained", { control: "aborting" })).toBe("done");
  });

  test("is that pre-flight stopped it", () => {
    const session = aSession({ closed_at: NOW, attention: [blocked] });

    expect(resultOf(session, [])).toBe("blocked");
    expect(resultOf({ ...session, hosts: [] }, [])).toBe("blocked");
  });
});
