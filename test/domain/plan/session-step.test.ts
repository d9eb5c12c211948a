import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HostRun, isActive } from "../../../lib/domain/host-run.ts";
import { later } from "../../../lib/domain/instant.ts";
import { type Agenda, beginAgenda } from "../../../lib/domain/plan/agenda.ts";
import { withBrakes } from "../../../lib/domain/plan/brakes.ts";
import { takesPlace } from "../../../lib/domain/plan/places.ts";
import { nextStep, type SessionStep } from "../../../lib/domain/plan/session-step.ts";
import { LONGEST_WAIT_SECONDS } from "../../../lib/domain/run.ts";
import type { Asking, Attention, Session } from "../../../lib/domain/session.ts";
import { isCordonOver } from "../../../lib/domain/standstill.ts";
import { windowsAt } from "../../../lib/domain/windows.ts";
import { aClaimedSession, aHost, aSession, NOW, SESSION_ID } from "../builders.ts";

const blocked: Attention = {
  code: "preflight_blocked",
  host: "cmp-01",
  instance: null,
  since: NOW,
  message: "host_down",
  what_happens_next: "the session ends",
};

/** A session that was looked over, and that its projects know of. */
const announced = (but: Partial<Session> = {}): Session =>
  aSession({ preflight_at: NOW, announced_at: NOW, ...but });

describe("a session", () => {
  test("is looked over before its start, so that whoever asked learns early", () => {
    expect(nextStep(aSession({ maintenance_at: later(NOW, 3600) }), [], NOW)).toEqual({
      next: "preflight",
    });
  });

  test("sleeps until its start, but looks at the world at least once a day", () => {
    const stepIn = (seconds: number) =>
      nextStep(announced({ maintenance_at: later(NOW, seconds) }), [], NOW);

    expect(stepIn(90)).toMatchObject({ next: "await", seconds: 90 });
    expect(stepIn(0.5)).toMatchObject({ next: "await", seconds: 1 });
    expect(stepIn(30 * 86_400)).toMatchObject({ next: "await", seconds: LONGEST_WAIT_SECONDS });
  });

  test("is planned once it has its hosts, and goes by that plan", () => {
    const hosts = [aHost("cmp-01"), aHost("cmp-02")];
    const agenda: Agenda = {
      ...beginAgenda(null, { sessionId: SESSION_ID, now: NOW }),
      took_seconds: 1,
      made_at: NOW,
      turns: [
        { host: "cmp-02", after: 0, begin_by: later(NOW, 600) },
        { host: "cmp-01", after: 1, begin_by: later(NOW, 900) },
      ],
      ahead: 2,
    };
    const session = aClaimedSession({ max_parallel_hosts: 2, canary: false });

    expect(nextStep(session, hosts, NOW, { agenda: null })).toEqual({ next: "order" });
    expect(nextStep(session, hosts, NOW, { agenda })).toMatchObject({
      next: "dispatch",
      start: [{ host: "cmp-02" }],
    });
    const begun = hosts.map(
      (run): HostRun => (run.host === "cmp-02" ? { ...run, phase: "MOVING" } : run),
    );
    expect(nextStep(session, begun, NOW, { agenda })).toMatchObject({
      next: "await",
      brakes: [],
      seconds: 600,
    });
  });

  test("claims its hosts at its start, not before", () => {
    expect(nextStep(announced(), [], NOW)).toEqual({ next: "claim" });
  });

  test("is announced to its projects once it was looked over, and waits for their answers", () => {
    const asking: Asking = { state: "MAINTENANCE", ask_id: "1", project_ids: ["p"], since: NOW };

    expect(nextStep(aSession({ preflight_at: NOW }), [], NOW)).toEqual({ next: "ask" });
    expect(nextStep(announced({ asking }), [], NOW)).toEqual({ next: "ask" });
  });

  test("that was announced is not closed before its projects know that it is over", () => {
    const runs = [aHost("cmp-01", { phase: "FINISHED", outcome: "maintained" })];
    const told = { announced_at: NOW, asking: null };

    expect(nextStep(aClaimedSession(told), runs, NOW)).toEqual({ next: "ask" });
    expect(nextStep(aClaimedSession({ ...told, control: "aborting" }), runs, NOW)).toEqual({
      next: "ask",
    });
    expect(nextStep(aClaimedSession({ ...told, completed_at: NOW }), runs, NOW)).toEqual({
      next: "close",
    });
  });

  test("starts waiting hosts, and waits while they are at work", () => {
    const waiting = [aHost("cmp-01"), aHost("cmp-02")];
    const working = [aHost("cmp-01", { phase: "MOVING" }), aHost("cmp-02")];

    expect(nextStep(aClaimedSession(), waiting, NOW)).toMatchObject({
      next: "dispatch",
      start: [waiting[0]],
      cordon: [],
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

  test("that is paused ends only by an order, not by itself", () => {
    const done = [aHost("cmp-01", { phase: "FINISHED", outcome: "maintained" })];
    const paused = { control: "paused", ends_at: NOW } as const;

    expect(nextStep(aClaimedSession(paused), done, later(NOW, 60)).next).toBe("await");
    expect(nextStep(aSession({ ...paused, preflight_at: NOW }), [], later(NOW, 60)).next).toBe(
      "await",
    );
    expect(nextStep(aClaimedSession({ control: "aborting" }), done, NOW).next).toBe("close");
  });

  test("in which a host is at work again after its end waits for that host", () => {
    const again = [aHost("cmp-01", { phase: "VERIFYING" }), aHost("cmp-02", { phase: "FINISHED" })];

    expect(nextStep(aClaimedSession({ ends_at: NOW }), again, later(NOW, 60)).next).toBe("await");
  });

  test.each([
    ["frozen", []],
    ["waiting_cloud", ["waiting_cloud"]],
  ] as const)("starts nothing while the cloud is %s", (code, told) => {
    const standstill = { code, why: "Nova answers 503" };
    const step = nextStep(aClaimedSession(), [aHost("cmp-01")], NOW, { standstill });

    expect(step.next).toBe("await");
    expect(codesOf(step)).toEqual(told);
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

  test("that was aborted says so when its hosts cannot be given back for the cloud", () => {
    const standstill = { code: "waiting_cloud", why: "Nova answers 503" } as const;
    const runs = [aHost("cmp-01", { phase: "RESTORING" })];

    expect(
      nextStep(aClaimedSession({ control: "aborting" }), runs, NOW, { standstill }),
    ).toMatchObject({ next: "await", brakes: [{ code: "waiting_cloud" }] });
  });

  test("that has ended asks for nothing more, whatever its hosts say", () => {
    const runs = [aHost("cmp-01", { phase: "MOVING" })];

    expect(nextStep(aClaimedSession({ closed_at: NOW, control: "aborting" }), runs, NOW)).toEqual({
      next: "ended",
    });
  });
});

const codesOf = (step: SessionStep) =>
  "brakes" in step ? step.brakes.map(({ code }) => code) : [];

describe("a session with windows", () => {
  const windows = {
    ends_at: later(NOW, 3_600),
    next_windows: [{ starts_at: later(NOW, 86_400), ends_at: later(NOW, 90_000) }],
  };
  const session = aClaimedSession({ ...windows, host_minutes: 30 });
  const hosts = [aHost("cmp-01"), aHost("cmp-02")];

  test("starts no host that would not end in time, and says when it goes on", () => {
    const step = (seconds: number) => nextStep(session, hosts, later(NOW, seconds));

    expect(step(1_800).next).toBe("dispatch");
    expect(step(1_801)).toMatchObject({ next: "await", seconds: 1_799 });
    expect(step(3_600)).toMatchObject({ next: "await", seconds: 82_800 });
    expect(step(3_600)).toMatchObject({
      brakes: [{ code: "window_over", what_happens_next: `it goes on at ${later(NOW, 86_400)}` }],
    });
  });

  test("goes on in the next one, and ends after the last with what it has", () => {
    expect(nextStep(session, hosts, later(NOW, 86_400)).next).toBe("dispatch");
    expect(nextStep(session, hosts, later(NOW, 90_000)).next).toBe("close");
    expect(nextStep(session, hosts, later(NOW, 88_201)).next).toBe("close");
  });

  test("whose clock jumps over a window takes the one that it finds", () => {
    const unclaimed = announced({ ...windows, completed_at: NOW });

    expect(nextStep(unclaimed, [], later(NOW, 40_000))).toMatchObject({
      next: "await",
      seconds: 46_400,
    });
    expect(nextStep(unclaimed, [], later(NOW, 86_401)).next).toBe("claim");
    expect(nextStep(unclaimed, [], later(NOW, 10 ** 7)).next).toBe("close");
  });

  test("waits for a cordoned host to be given back before it ends", () => {
    const cordoned = [aHost("cmp-01", { phase: "CORDONED", cordon: true })];

    expect(nextStep(session, cordoned, later(NOW, 10 ** 7)).next).toBe("await");
  });
});

describe("a session with a canary", () => {
  const session = aClaimedSession({ canary: true, soak_minutes: 10, max_parallel_hosts: 3 });
  const done = aHost("cmp-01", { phase: "FINISHED", outcome: "maintained", finished_at: NOW });
  const rest = [aHost("cmp-02"), aHost("cmp-03")];
  const startedAt = (proven: typeof session, runs: HostRun[], now: string) => {
    const step = nextStep(proven, runs, now);
    return step.next === "dispatch" ? step.start.map(({ host }) => host) : [];
  };

  test("starts the first host alone, and says what the others wait for", () => {
    const step = nextStep(session, [aHost("cmp-01"), ...rest], NOW);

    expect(startedAt(session, [aHost("cmp-01"), ...rest], NOW)).toEqual(["cmp-01"]);
    expect(codesOf(step)).toEqual(["canary"]);
  });

  test("goes on one at a time, until the canary has borne an instance and soaked", () => {
    const borne = {
      ...session,
      canaries: [{ model: "", host: "cmp-01", at: later(NOW, 100) }],
    };

    expect(startedAt(session, [done, ...rest], later(NOW, 5_000))).toEqual(["cmp-02"]);
    expect(startedAt(borne, [done, ...rest], later(NOW, 699))).toEqual(["cmp-02"]);
    expect(startedAt(borne, [done, ...rest], later(NOW, 700))).toEqual(["cmp-02", "cmp-03"]);
    const soaking = [done, aHost("cmp-02", { phase: "MOVING" }), aHost("cmp-03")];
    expect(nextStep(borne, soaking, later(NOW, 690))).toMatchObject({ next: "await", seconds: 10 });
  });

  test("has nothing to say when only one host goes at a time anyway", () => {
    const serial = { ...session, max_parallel_hosts: 1 };

    expect(codesOf(nextStep(serial, [aHost("cmp-01"), ...rest], NOW))).toEqual([]);
  });
});

test("findings of brakes replace those before, and keep since when they are there", () => {
  const old = { ...blocked, code: "canary", host: null, since: NOW, message: "old" };
  const other = { ...blocked, code: "duties" };
  const found = { ...old, since: later(NOW, 60), message: "new" };

  expect(withBrakes([old, other], [found])).toEqual([other, { ...found, since: NOW }]);
  expect(withBrakes([old, other], [])).toEqual([other]);
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
  const active = runs.filter(takesPlace);
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

/** The world in which each cordoned host has seen whether its turn still comes. */
const givenBack = (world: World): World => ({
  ...world,
  runs: world.runs.map((run) => {
    if (run.phase !== "CORDONED" || !isCordonOver(world.session, run, world.now)) return run;
    return world.aborted
      ? { ...run, phase: "FINISHED", outcome: "restored", finished_at: world.now }
      : { ...run, phase: "WAITING", cordon: false };
  }),
});

/** Does what each step asks for until the session has ended. */
const play = (session: Session, script: News[], check: (world: World, starts: number) => void) => {
  const events = [...script];
  let world: World = { session, runs: [], now: NOW, aborted: false };
  for (let steps = 0; steps < 500; steps++) {
    const step = nextStep(world.session, world.runs, world.now);
    check(world, step.next === "dispatch" ? step.start.length : 0);
    const { now } = world;
    switch (step.next) {
      case "preflight":
        world.session = { ...world.session, preflight_at: now };
        break;
      case "ask":
        world.session =
          world.session.announced_at === null
            ? { ...world.session, announced_at: now }
            : { ...world.session, completed_at: now };
        break;
      case "claim":
        world.session = { ...world.session, claimed_at: now };
        world.runs = world.session.hosts.map((host) => aHost(host));
        break;
      case "dispatch":
        world.runs = world.runs.map((run) => {
          if (step.start.includes(run))
            return { ...run, phase: "ASKING", cordon: false, started_at: now };
          return step.cordon.includes(run) ? { ...run, phase: "CORDONED", cordon: true } : run;
        });
        break;
      case "await":
        expect(step.seconds).toBeGreaterThan(0);
        expect(step.seconds).toBeLessThanOrEqual(LONGEST_WAIT_SECONDS);
        world = givenBack(happened(world, events.shift(), step.seconds));
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
    further: fc.array(fc.tuple(fc.nat(300_000), fc.integer({ min: 1, max: 50_000 })), {
      maxLength: 3,
    }),
    brakes: fc.record({
      canary: fc.boolean(),
      cordon_ahead: fc.nat(3),
      host_minutes: fc.option(fc.integer({ min: 1, max: 60 })),
    }),
  })
  .map(({ hosts, parallel, startsIn, lasts, further, brakes }) =>
    aSession({
      ...brakes,
      next_windows: further.map(([from, seconds]) => ({
        starts_at: later(NOW, from),
        ends_at: later(NOW, from + seconds),
      })),
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
          const most = session.canary ? 1 : session.max_parallel_hosts;
          expect(runs.filter(takesPlace).length + starts).toBeLessThanOrEqual(most);
        });
      }),
    );
  });

  test("starts no host while it is paused or aborting, or that would not end in its window", () => {
    fc.assert(
      fc.property(sessions, scripts, (session, script) => {
        play(session, script, (world, starts) => {
          if (starts === 0) return;
          expect(world.session.control).toBe("running");
          const { open } = windowsAt(session, world.now);
          const end = later(world.now, (session.host_minutes ?? 0) * 60);
          expect(open !== null && (open.ends_at === null || end <= open.ends_at)).toBe(true);
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
