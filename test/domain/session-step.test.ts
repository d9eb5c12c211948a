import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HostRun, isActive } from "../../lib/domain/host-run.ts";
import { later } from "../../lib/domain/instant.ts";
import { nextStep } from "../../lib/domain/plan/session-step.ts";
import { LONGEST_WAIT_SECONDS } from "../../lib/domain/run.ts";
import type { Attention, Session } from "../../lib/domain/session.ts";
import { aClaimedSession, aHost, aSession, NOW } from "./builders.ts";

const blocked: Attention = {
  code: "preflight_blocked",
  host: "cmp-01",
  instance: null,
  since: NOW,
  message: "host_down",
  what_happens_next: "the session ends",
};

describe("a session", () => {
  test("is looked over before its start, so that whoever asked learns early", () => {
    expect(nextStep(aSession({ maintenance_at: later(NOW, 3600) }), [], NOW)).toEqual({
      next: "preflight",
    });
  });

  test("sleeps until its start, but looks at the world at least once a day", () => {
    const stepIn = (seconds: number) =>
      nextStep(aSession({ preflight_at: NOW, maintenance_at: later(NOW, seconds) }), [], NOW);

    expect(stepIn(90)).toEqual({ next: "await", seconds: 90 });
    expect(stepIn(0.5)).toEqual({ next: "await", seconds: 1 });
    expect(stepIn(30 * 86_400)).toEqual({ next: "await", seconds: LONGEST_WAIT_SECONDS });
  });

  test("claims its hosts at its start, not before", () => {
    expect(nextStep(aSession({ preflight_at: NOW }), [], NOW)).toEqual({ next: "claim" });
  });

  test("starts waiting hosts, and waits while they are at work", () => {
    const waiting = [aHost("cmp-01"), aHost("cmp-02")];
    const working = [aHost("cmp-01", { phase: "MOVING" }), aHost("cmp-02")];

    expect(nextStep(aClaimedSession(), waiting, NOW)).toEqual({
      next: "dispatch",
      hosts: [waiting[0]],
    });
    expect(nextStep(aClaimedSession(), working, NOW).next).toBe("await");
  });

  test("closes when its last host has finished, well or badly", () => {
    const runs = [
      aHost("cmp-01", { phase: "FINISHED", outcome: "maintained" }),
      aHost("cmp-02", { phase: "FINISHED", outcome: "failed" }),
    ];

    expect(nextStep(aClaimedSession(), runs, NOW)).toEqual({ next: "close" });
  });

  test("that pre-flight blocked closes without a claim", () => {
    expect(nextStep(aSession({ preflight_at: NOW, attention: [blocked] }), [], NOW)).toEqual({
      next: "close",
    });
  });

  test("that is paused holds what it has and starts nothing", () => {
    const runs = [aHost("cmp-01", { phase: "FINISHED" }), aHost("cmp-02")];

    expect(nextStep(aClaimedSession({ control: "paused" }), runs, NOW).next).toBe("await");
  });

  test("whose end has come starts nothing more and waits only for hosts at work", () => {
    const session = aClaimedSession({ ends_at: NOW });

    expect(nextStep(session, [aHost("cmp-01"), aHost("cmp-02")], NOW).next).toBe("close");
    expect(nextStep(session, [aHost("cmp-01", { phase: "MOVING" })], NOW).next).toBe("await");
  });

  test("whose end has come before it got its hosts closes", () => {
    const session = aSession({ preflight_at: NOW, ends_at: NOW });

    expect(nextStep(session, [], NOW)).toEqual({ next: "close" });
  });

  test("that has ended asks for nothing more, whatever its hosts say", () => {
    const runs = [aHost("cmp-01", { phase: "MOVING" })];

    expect(nextStep(aClaimedSession({ closed_at: NOW, control: "aborting" }), runs, NOW)).toEqual({
      next: "ended",
    });
  });
});

/** What may happen while a session waits: a host finishes, or an admin gives an order. */
const news = fc.oneof(
  fc.record({ finish: fc.nat(9), outcome: fc.constantFrom("maintained", "restored", "failed") }),
  fc.record({ order: fc.constantFrom("running", "paused", "aborting") }),
  fc.constant({ time: true }),
);
type News = typeof news extends fc.Arbitrary<infer T> ? T : never;

type World = { session: Session; runs: HostRun[]; now: string; readonly aborted: boolean };

const finishing = (runs: HostRun[], which: number, outcome: string, at: string): HostRun[] => {
  const active = runs.filter(isActive);
  const ends = active[which % Math.max(active.length, 1)];
  return runs.map((run) =>
    run === ends ? ({ ...run, phase: "FINISHED", outcome, finished_at: at } as HostRun) : run,
  );
};

/** The world after something happened; an abort is never taken back. */
const happened = (world: World, event: News | undefined, seconds: number): World => {
  const { session, runs } = world;
  const now = later(world.now, seconds);
  if (event === undefined) {
    const control = world.aborted ? "aborting" : "running";
    return {
      ...world,
      now,
      session: { ...session, control },
      runs: finishing(runs, 0, "maintained", now),
    };
  }
  if ("finish" in event)
    return { ...world, runs: finishing(runs, event.finish, event.outcome, world.now) };
  if ("order" in event) {
    const control = world.aborted ? "aborting" : event.order;
    const aborted = control === "aborting";
    return { ...world, aborted, session: { ...session, control } as Session };
  }
  return { ...world, now };
};

/** Does what each step asks for until the session has ended. */
const play = (session: Session, script: News[], check: (world: World, starts: number) => void) => {
  const events = [...script];
  let world: World = { session, runs: [], now: NOW, aborted: false };
  for (let steps = 0; steps < 500; steps++) {
    const step = nextStep(world.session, world.runs, world.now);
    check(world, step.next === "dispatch" ? step.hosts.length : 0);
    const { now } = world;
    switch (step.next) {
      case "preflight":
        world.session = { ...world.session, preflight_at: now };
        break;
      case "claim":
        world.session = { ...world.session, claimed_at: now };
        world.runs = world.session.hosts.map((host) => aHost(host));
        break;
      case "dispatch":
        world.runs = world.runs.map((run) =>
          step.hosts.includes(run) ? { ...run, phase: "DISABLING" } : run,
        );
        break;
      case "await":
        expect(step.seconds).toBeGreaterThan(0);
        expect(step.seconds).toBeLessThanOrEqual(LONGEST_WAIT_SECONDS);
        world = happened(world, events.shift(), step.seconds);
        break;
      case "close":
        expect(world.runs.filter(isActive)).toEqual([]);
        world.session = { ...world.session, closed_at: now };
        break;
      case "ended":
        return world;
    }
  }
  throw new Error("the session never ends");
};

const sessions = fc
  .record({
    hosts: fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 8 }),
    parallel: fc.integer({ min: 1, max: 4 }),
    startsIn: fc.constantFrom(0, 10, 100_000),
    lasts: fc.option(fc.integer({ min: 1, max: 100_000 })),
  })
  .map(({ hosts, parallel, startsIn, lasts }) =>
    aSession({
      hosts: hosts.map((n) => `cmp-${String(n).padStart(2, "0")}`),
      max_parallel_hosts: parallel,
      maintenance_at: later(NOW, startsIn),
      ends_at: lasts === null ? null : later(NOW, startsIn + lasts),
    }),
  );
const scripts = fc.array(news, { maxLength: 30 });

describe("whatever happens to it, a session", () => {
  test("ends, with no host left at work", () => {
    fc.assert(
      fc.property(sessions, scripts, (session, script) => {
        const { session: last, runs } = play(session, script, () => undefined);

        expect(last.closed_at).not.toBeNull();
        expect(runs.filter(isActive)).toEqual([]);
      }),
    );
  });

  test("never has more hosts at work than it may", () => {
    fc.assert(
      fc.property(sessions, scripts, (session, script) => {
        play(session, script, ({ runs }, starts) => {
          expect(runs.filter(isActive).length + starts).toBeLessThanOrEqual(
            session.max_parallel_hosts,
          );
        });
      }),
    );
  });

  test("starts no host while it is paused or aborting, before its start or after its end", () => {
    fc.assert(
      fc.property(sessions, scripts, (session, script) => {
        play(session, script, (world, starts) => {
          if (starts === 0) return;
          expect(world.session.control).toBe("running");
          expect(world.now >= session.maintenance_at).toBe(true);
          expect(session.ends_at === null || world.now < session.ends_at).toBe(true);
        });
      }),
    );
  });

  test("maintains every host when nobody interferes", () => {
    fc.assert(
      fc.property(sessions, (session) => {
        const { runs } = play({ ...session, ends_at: null }, [], () => undefined);

        expect(runs.map(({ outcome }) => outcome)).toEqual(session.hosts.map(() => "maintained"));
      }),
    );
  });
});
