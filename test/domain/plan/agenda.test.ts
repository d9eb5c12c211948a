import { describe, expect, test } from "vitest";
import { later } from "../../../lib/domain/instant.ts";
import {
  type Agenda,
  agendaOf,
  beginAgenda,
  needsAgenda,
  orderBy,
} from "../../../lib/domain/plan/agenda.ts";
import { makePlan } from "../../../lib/domain/plan/make-plan.ts";
import type { Plan } from "../../../lib/domain/plan/timeline.ts";
import { clusterOf, USUAL } from "../../planner/clusters.ts";
import { aHost, NOW, SESSION_ID } from "../builders.ts";

const anAgenda = (hosts: readonly string[], but: Partial<Agenda> = {}): Agenda => ({
  ...beginAgenda(null, { sessionId: SESSION_ID, now: NOW }),
  made_at: NOW,
  turns: hosts.map((host, n) => ({ host, after: n, opens_in: n * 100 })),
  ahead: hosts.length,
  ...but,
});

const inMinutes = (minutes: number) => later(NOW, minutes * 60);
const waiting = ["cmp-01", "cmp-02", "cmp-03"].map((host) => aHost(host));
const atWork = aHost("cmp-04", { phase: "IN_MAINTENANCE" });

describe("a session is planned", () => {
  test("before its first host begins, if there are several", () => {
    expect(needsAgenda(null, waiting, NOW)).toBe(true);
    expect(needsAgenda(null, waiting.slice(0, 1), NOW)).toBe(false);
    expect(needsAgenda(null, [...waiting.slice(0, 1), atWork], NOW)).toBe(true);
  });

  test("not again while all goes as planned, until the plan is old", () => {
    const agenda = anAgenda(["cmp-03", "cmp-01", "cmp-02"]);

    expect(needsAgenda(agenda, waiting, inMinutes(9))).toBe(false);
    expect(needsAgenda(agenda, waiting, inMinutes(15))).toBe(true);
  });

  test.each([
    ["an instance went elsewhere", { strayed_at: inMinutes(1) }, waiting],
    [
      "a host was given back",
      {},
      [...waiting, aHost("cmp-05", { outcome: "restored", finished_at: inMinutes(1) })],
    ],
    ["a host let others go first", {}, [...waiting, { ...atWork, yielded_at: inMinutes(1) }]],
    ["a host that should be done waits still", {}, waiting, 13],
    ["a host came back that was not planned", {}, [...waiting, aHost("cmp-06")]],
    ["where the next instances go is not known", { ahead: 2 }, waiting],
  ])("anew when %s", (_, but, runs, minutes = 2) => {
    const agenda = anAgenda(["cmp-03", "cmp-01", "cmp-02"]);

    expect(needsAgenda(agenda, waiting, inMinutes(2))).toBe(false);
    expect(needsAgenda({ ...agenda, ...but }, runs, inMinutes(minutes))).toBe(true);
  });

  test("for a twentieth of the time at most, and once a minute, whatever happens", () => {
    const strayed = anAgenda([], { strayed_at: inMinutes(0.5) });

    expect(needsAgenda(strayed, waiting, later(NOW, 59))).toBe(false);
    expect(needsAgenda(strayed, waiting, later(NOW, 60))).toBe(true);
    const dear = { ...strayed, took_seconds: 30 };
    expect(needsAgenda(dear, waiting, later(NOW, 599))).toBe(false);
    expect(needsAgenda(dear, waiting, later(NOW, 600))).toBe(true);
  });

  test("no sooner again when no plan could be made", () => {
    const failed = beginAgenda(null, { sessionId: SESSION_ID, now: NOW });

    expect(needsAgenda(failed, waiting, inMinutes(14))).toBe(false);
    expect(needsAgenda(failed, waiting, inMinutes(15))).toBe(true);
  });
});

describe("the hosts of a session", () => {
  const sorted = (agenda: Agenda | null) =>
    waiting.toSorted(orderBy(agenda, waiting, NOW).compare).map(({ host }) => host);

  test("are taken as planned, those that are not planned last, and without a plan by name", () => {
    expect(sorted(anAgenda(["cmp-03", "cmp-01"]))).toEqual(["cmp-03", "cmp-01", "cmp-02"]);
    expect(sorted(null)).toEqual(["cmp-01", "cmp-02", "cmp-03"]);
    expect(sorted(anAgenda(["cmp-03", "cmp-01"], { made_at: null }))).toEqual([
      "cmp-01",
      "cmp-02",
      "cmp-03",
    ]);
  });

  test("wait for as many others as the plan has done before them, but not when it is overdue", () => {
    const agenda = anAgenda(["cmp-04", "cmp-01"]);
    const [first = aHost("cmp-01")] = waiting;
    const done = aHost("cmp-04", {
      phase: "FINISHED",
      outcome: "maintained",
      finished_at: inMinutes(1),
    });
    const isEarly = (runs: Parameters<typeof orderBy>[1], now: string) =>
      orderBy(agenda, runs, now).isEarly(first);

    expect(isEarly([...waiting, atWork], inMinutes(2))).toBe(true);
    expect(isEarly([...waiting, done], inMinutes(2))).toBe(false);
    expect(isEarly([...waiting, { ...done, finished_at: inMinutes(-1) }], inMinutes(2))).toBe(true);
    expect(isEarly([...waiting, atWork], inMinutes(60))).toBe(false);
  });
});

describe("the agenda of a plan", () => {
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
  const begun = beginAgenda(null, { sessionId: SESSION_ID, now: NOW });

  test("names each host once, in the order of its opening, with how many are done by then, and where its instances go", () => {
    const { cluster, rules } = clusterOf(full(3), { ...USUAL, maxParallel: 1 });
    const plan = makePlan(cluster, rules, "fastest");
    const { agenda, ways } = agendaOf(plan, cluster, begun, { now: NOW, tookSeconds: 2 });

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

  test("puts last the hosts that it cannot maintain, and those that it opens in vain", () => {
    const { cluster } = clusterOf(full(2), USUAL);
    const plan: Plan = {
      timeline: [
        { t: 0, event: "host_open", host: 0 },
        { t: 5, event: "host_close", host: 0 },
        { t: 5, event: "host_open", host: 1 },
        { t: 5, event: "work_start", host: 1 },
        { t: 9, event: "work_end", host: 1 },
      ],
      blocked: [],
      makespan_seconds: 9,
      migrations: 0,
    };
    const [first, second] = cluster.hosts.map(({ name }) => name);

    expect(agendaOf(plan, cluster, begun, { now: NOW, tookSeconds: 1 }).agenda.turns).toEqual([
      { host: second, after: 0, opens_in: 5 },
      { host: first, after: 1, opens_in: 9 },
    ]);
  });
});
