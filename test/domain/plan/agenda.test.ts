import { describe, expect, test } from "vitest";
import type { HostRun } from "../../../lib/domain/host-run.ts";
import { later } from "../../../lib/domain/instant.ts";
import {
  type Agenda,
  agendaOf,
  beginAgenda,
  needsAgenda,
  orderBy,
} from "../../../lib/domain/plan/agenda.ts";
import type { HostJob } from "../../../lib/domain/plan/cluster.ts";
import { makePlan } from "../../../lib/domain/plan/make-plan.ts";
import { nextStep } from "../../../lib/domain/plan/session-step.ts";
import type { Plan } from "../../../lib/domain/plan/timeline.ts";
import { clusterOf, USUAL } from "../../planner/clusters.ts";
import { aClaimedSession, aHost, NOW, SESSION_ID } from "../builders.ts";

const inMinutes = (minutes: number) => later(NOW, minutes * 60);

const anAgenda = (hosts: readonly string[], but: Partial<Agenda> = {}): Agenda => ({
  ...beginAgenda(null, { sessionId: SESSION_ID, now: NOW }),
  took_seconds: 0,
  made_at: NOW,
  turns: hosts.map((host, n) => ({ host, after: n, begin_by: inMinutes(10 + n) })),
  ahead: hosts.length,
  ...but,
});

const waiting = ["cmp-01", "cmp-02", "cmp-03"].map((host) => aHost(host));
const atWork = aHost("cmp-04", { phase: "IN_MAINTENANCE" });
const isNeeded = (
  agenda: Agenda | null,
  runs: readonly HostRun[],
  now: string,
  next = ["cmp-03"],
) => needsAgenda(agenda, runs, next, now);

describe("a session is planned", () => {
  test("before its first host begins, if there are several", () => {
    expect(isNeeded(null, waiting, NOW)).toBe(true);
    expect(isNeeded(null, waiting.slice(0, 1), NOW)).toBe(false);
    expect(isNeeded(null, [...waiting.slice(0, 1), atWork], NOW)).toBe(true);
  });

  test("not again while all goes as planned, until the plan is old", () => {
    const agenda = anAgenda(["cmp-03", "cmp-01", "cmp-02"]);

    expect(isNeeded(agenda, waiting, inMinutes(14))).toBe(false);
    expect(isNeeded(agenda, waiting, inMinutes(15))).toBe(true);
  });

  test.each([
    ["an instance went elsewhere", { strayed_at: inMinutes(1) }, waiting],
    [
      "a host was given back",
      {},
      [
        ...waiting,
        aHost("cmp-05", { phase: "FINISHED", outcome: "restored", finished_at: inMinutes(1) }),
      ],
    ],
    ["a host let others go first", {}, [...waiting, { ...atWork, yielded_at: inMinutes(1) }]],
    ["a host came back that was not planned", {}, [...waiting, aHost("cmp-06")]],
    ["where the instances of the next host go is not known", { ahead: 0 }, waiting],
  ])("anew when %s", (_, but, runs) => {
    const agenda = anAgenda(["cmp-03", "cmp-01", "cmp-02"]);

    expect(isNeeded(agenda, waiting, inMinutes(2))).toBe(false);
    expect(isNeeded({ ...agenda, ...but }, runs, inMinutes(2))).toBe(true);
  });

  test("not because hosts are left of which it is told later where their instances go", () => {
    const agenda = anAgenda(["cmp-03", "cmp-01", "cmp-02"], { ahead: 1 });

    expect(isNeeded(agenda, waiting, inMinutes(2))).toBe(false);
    expect(isNeeded(agenda, waiting, inMinutes(2), ["cmp-01"])).toBe(true);
  });

  test("for a twentieth of the time at most, and once a minute, whatever becomes of it", () => {
    const strayed = anAgenda([], { strayed_at: inMinutes(0.5) });
    for (const failed of [null, "no such group"]) {
      const quick = { ...strayed, failed };
      expect(isNeeded(quick, waiting, later(NOW, 59))).toBe(false);
      expect(isNeeded(quick, waiting, later(NOW, 60))).toBe(true);
      const dear = { ...quick, took_seconds: 30 };
      expect(isNeeded(dear, waiting, later(NOW, 629))).toBe(false);
      expect(isNeeded(dear, waiting, later(NOW, 630))).toBe(true);
    }
  });

  test("no sooner again than after half an hour when a try has died", () => {
    const died = beginAgenda(anAgenda([], { strayed_at: NOW }), {
      sessionId: SESSION_ID,
      now: NOW,
    });

    expect(isNeeded(died, waiting, inMinutes(29))).toBe(false);
    expect(isNeeded(died, waiting, inMinutes(30))).toBe(true);
  });
});

describe("the hosts of a session", () => {
  const sorted = (agenda: Agenda | null) =>
    waiting.toSorted(orderBy(agenda, waiting, NOW).compare).map(({ host }) => host);

  test("are taken as planned, those that are not planned last, and without a plan by name", () => {
    expect(sorted(anAgenda(["cmp-03", "cmp-01"]))).toEqual(["cmp-03", "cmp-01", "cmp-02"]);
    expect(sorted(null)).toEqual(["cmp-01", "cmp-02", "cmp-03"]);
  });

  test("wait for as many others as the plan has done before them, but not for ever", () => {
    const agenda = anAgenda(["cmp-04", "cmp-01"]);
    const [first = aHost("cmp-01")] = waiting;
    const done = aHost("cmp-04", { phase: "FINISHED", outcome: "maintained" });
    const wait = (runs: readonly HostRun[], now: string) => orderBy(agenda, runs, now).wait(first);
    const forOne = { others: 1, until: inMinutes(11) };

    expect(wait([...waiting, atWork], inMinutes(2))).toEqual(forOne);
    expect(wait([...waiting, done], inMinutes(2))).toBeNull();
    expect(wait([...waiting, { ...done, outcome: "failed" }], inMinutes(2))).toEqual(forOne);
    expect(wait([...waiting, atWork], inMinutes(11))).toBeNull();
  });
});

/** So many hosts, each a quarter full with one instance. */
const full = (count: number) => ({
  hosts: Array.from({ length: count }, (_, n) => ({
    name: `cmp-0${n + 1}`,
    az: "nova",
    mem: 8_192,
    cpu: 2,
    used: 2_048,
    vcpu: 2,
  })),
  vms: Array.from({ length: count }, (_, host) => ({
    name: `vm-${host}`,
    mem: 2_048,
    vcpu: 2,
    host,
    aa: null,
    sec: null,
  })),
});

describe("the agenda of a plan", () => {
  const begun = beginAgenda(null, { sessionId: SESSION_ID, now: NOW });

  test("names each host once, in the order of its opening, with how many are done by then, and where its instances go", () => {
    const { cluster, rules } = clusterOf(full(3), { ...USUAL, maxParallel: 1 });
    const plan = makePlan(cluster, rules, "fastest");
    const runs = cluster.hosts.map(({ name }) => aHost(name));
    const { agenda, ways } = agendaOf(plan, cluster, { begun, runs, now: NOW, tookSeconds: 2 });

    const opened = plan.timeline.flatMap((event) =>
      event.event === "host_open" ? [cluster.hosts[event.host]?.name] : [],
    );
    expect(agenda.turns.map(({ host }) => host)).toEqual(opened);
    expect(agenda.turns.map(({ after }) => after)).toEqual([0, 1, 2]);
    expect(agenda).toMatchObject({
      made_at: NOW,
      took_seconds: 2,
      ahead: 3,
      ends_at: later(NOW, Math.round(plan.makespan_seconds)),
    });
    const moves = plan.timeline.filter(({ event }) => event === "migrate_start");
    expect(ways.flatMap(({ moves: planned }) => planned)).toHaveLength(moves.length);
  });

  const { cluster: two } = clusterOf(full(2), USUAL);
  const [first = "", second = ""] = two.hosts.map(({ name }) => name);
  const inVain: Plan = {
    timeline: [
      { t: 0, event: "host_open", host: 0 },
      { t: 5, event: "host_close", host: 0 },
      { t: 5, event: "host_open", host: 1 },
      { t: 5, event: "work_start", host: 1 },
      { t: 60, event: "work_end", host: 1 },
    ],
    blocked: [],
    makespan_seconds: 60,
    migrations: 0,
  };

  test("puts last the hosts that it does not maintain, those it opens in vain and those it does not know", () => {
    const runs = [first, second, "unknown-01"].map((host) => aHost(host));

    expect(agendaOf(inVain, two, { begun, runs, now: NOW, tookSeconds: 1 }).agenda.turns).toEqual([
      { host: second, after: 0, begin_by: later(NOW, 607.5) },
      { host: first, after: 1, begin_by: later(NOW, 690) },
      { host: "unknown-01", after: 1, begin_by: later(NOW, 690) },
    ]);
  });

  test("counts on what was done before", () => {
    const done = aHost("cmp-09", { phase: "FINISHED", outcome: "maintained" });
    const runs = [aHost(first), aHost(second), done];
    const { agenda } = agendaOf(inVain, two, { begun, runs, now: NOW, tookSeconds: 1 });

    expect(agenda.turns.map(({ after }) => after)).toEqual([1, 2]);
  });

  test("puts no host off again and again while another one is at work, which may last for days", () => {
    const runs = [aHost(first), aHost(second), atWork];
    const promised = agendaOf(inVain, two, { begun, runs, now: NOW, tookSeconds: 1 }).agenda;
    const later30 = { begun: promised, now: inMinutes(30), tookSeconds: 1 };

    const again = agendaOf(inVain, two, { ...later30, runs }).agenda;
    expect(again.turns).toEqual(promised.turns);
    const idle = agendaOf(inVain, two, { ...later30, runs: runs.slice(0, 2) }).agenda;
    expect(idle.turns.map(({ begin_by }) => begin_by)).toEqual([
      later(NOW, 1800 + 607.5),
      later(NOW, 1800 + 690),
    ]);
  });

  test("forgets where the instances went of hosts that it no longer tells of", () => {
    const before = anAgenda(["gone-01"], { ahead: 1 });
    const runs = [aHost(first), aHost(second)];
    const { ways } = agendaOf(inVain, two, { begun: before, runs, now: NOW, tookSeconds: 1 });

    expect(ways).toContainEqual({ host: "gone-01", moves: [] });
  });
});

const jobOf = (run: HostRun | undefined): HostJob =>
  run?.phase === "FINISHED" ? "done" : run?.phase === "WAITING" ? "waiting" : "working";

describe("a session that follows its plans, one after the other", () => {
  test("begins every host it has, although one is at work for days, and plans in between", () => {
    const { cluster: all, rules } = clusterOf(full(5), { ...USUAL, maxParallel: 2 });
    // The last host cannot be planned: what is on it may not be moved.
    const instances = all.instances.slice(-1).map((one) => ({ ...one, fate: "pinned" as const }));
    const cluster = { ...all, instances };
    const session = aClaimedSession({ max_parallel_hosts: 2, canary: false });
    const stuck = cluster.hosts[0]?.name ?? "";
    let runs = cluster.hosts.map(({ name }) => aHost(name));
    let agenda: Agenda | null = null;
    let plans = 0;
    for (let minute = 0; minute < 1000; minute++) {
      const now = inMinutes(minute);
      const step = nextStep(session, runs, now, { agenda });
      if (step.next === "order") {
        plans += 1;
        const begun = beginAgenda(agenda, { sessionId: SESSION_ID, now });
        const hosts = cluster.hosts.map((host, n) => ({ ...host, job: jobOf(runs[n]) }));
        const plan = makePlan({ ...cluster, hosts }, rules, "fastest");
        agenda = agendaOf(plan, cluster, { begun, runs, now, tookSeconds: 2 }).agenda;
      }
      const started = step.next === "dispatch" ? step.start.map(({ host }) => host) : [];
      runs = runs.map((run): HostRun => {
        if (started.includes(run.host)) return { ...run, phase: "IN_MAINTENANCE", phase_at: now };
        const isOver = run.phase === "IN_MAINTENANCE" && run.host !== stuck;
        return isOver && now >= later(run.phase_at, 1800)
          ? { ...run, phase: "FINISHED", outcome: "maintained", finished_at: now }
          : run;
      });
    }

    expect(runs.filter(({ host }) => host !== stuck).map(({ outcome }) => outcome)).toEqual(
      Array(4).fill("maintained"),
    );
    expect(plans).toBeLessThan(1000 / 15);
  });
});
