import { describe, expect, test } from "vitest";
import { learnMoves, learnWork } from "../../../lib/domain/plan/durations.ts";
import { planBoth } from "../../../lib/domain/plan/forecast.ts";
import type { Snapshot } from "../../../lib/domain/plan/snapshot.ts";
import { aCluster, someRules } from "../../planner/builders.ts";
import { random } from "../../planner/random-cluster.ts";
import { aSession, NOW } from "../builders.ts";

const durations = { moves: learnMoves([]), work: learnWork([], 100) };

const aSnapshot = (but: Partial<Snapshot> = {}): Snapshot => ({
  cluster: aCluster({
    hosts: [{}, { job: "none" }],
    instances: [{ host: 0 }, { host: 0, needs: [20] }],
  }),
  rules: someRules(),
  names: ["web", "db"],
  obstacles: new Map(),
  unknown: [],
  unfit: [],
  ...but,
});

const planned = (but: Partial<Snapshot> = {}, session = aSession({ canary: false })) =>
  planBoth(aSnapshot(but), { session, durations, startsAt: NOW });

describe("a forecast", () => {
  test("tells of both objectives how long they take and how many instances they move", () => {
    const { findings, courses } = planned();

    for (const objective of ["fastest", "fewest_moves"] as const) {
      expect(findings.outcomes[objective]).toMatchObject({
        makespan_seconds: 110,
        ends_at: "2026-11-22T10:01:50.000Z",
        moves: 2,
        operations: 4,
        hosts_maintained: 1,
        hosts_blocked: 0,
      });
      expect(courses[objective].operations).toHaveLength(4);
    }
    expect(findings.lower_bound_seconds).toBeLessThanOrEqual(110);
  });

  test("says when it ends if all goes as well, or as badly, as has been seen", () => {
    const { outcomes } = planned().findings;

    expect(outcomes.fastest).toMatchObject({
      makespan_low_seconds: 55,
      makespan_high_seconds: 220,
    });
  });

  test("keeps its bounds to the hosts that fit into the window", () => {
    const rules = someRules({ ends_in_seconds: 120 });
    const { outcomes } = planned({ rules }).findings;

    expect(outcomes.fastest).toMatchObject({ hosts_blocked: 0, makespan_high_seconds: 220 });
  });

  test("tells no more of the hosts that stay out than fits into a row, and how many there are", () => {
    const hosts = Array.from({ length: 120 }, () => ({}));
    const instances = hosts.map((_, host) => ({ host, fate: "pinned" as const }));
    const names = instances.map(() => "語".repeat(255));
    const what_to_do = "w".repeat(300);
    const { fastest } = planned({
      cluster: aCluster({ hosts, instances }),
      names,
      obstacles: new Map(instances.map((_, n) => [n, { rule: "locked", what_to_do }])),
    }).findings.outcomes;

    expect(fastest.hosts_blocked).toBe(120);
    expect(fastest.blocked[0]).toMatchObject({ host: "host-0", rule: "pinned" });
    expect(Buffer.byteLength(JSON.stringify(fastest.blocked))).toBeLessThan(51_000);
    expect(fastest.blocked.length).toBeGreaterThan(20);
  });

  test("names each host that stays out, the instance, the rule and what to do", () => {
    const cluster = aCluster({
      hosts: [{}, { job: "none" }],
      instances: [{ host: 0, fate: "pinned" }],
    });
    const obstacles = new Map([[0, { rule: "locked", what_to_do: "its owner unlocks it" }]]);
    const { outcomes } = planned({ cluster, obstacles, unknown: ["cmp-77"] }).findings;

    expect(outcomes.fastest.hosts_blocked).toBe(2);
    expect(outcomes.fastest.blocked).toEqual([
      expect.objectContaining({ host: "cmp-77", rule: "unknown" }),
      {
        host: "host-0",
        instance_id: "instance-0",
        instance_name: "web",
        rule: "pinned",
        why: "locked: its owner unlocks it",
        missing: null,
      },
    ]);
  });

  test("warns that a session would end at its pre-flight, and not of one that is past it", () => {
    const obstacles = new Map([[0, { rule: "locked", what_to_do: "its owner unlocks it" }]]);
    const codes = (session = aSession({ canary: false })) =>
      planned({ obstacles }, session).findings.warnings.map(({ code }) => code);

    expect(codes()).toContain("preflight_stops");
    expect(codes(aSession({ claimed_at: NOW }))).not.toContain("preflight_stops");
  });

  test("names hosts that cannot be maintained as they are", () => {
    const unfit = [{ host: "cmp-09", rule: "host_down", what_to_do: "bring it up" }];
    const { outcomes, warnings } = planned({ unfit }).findings;

    expect(outcomes.fastest).toMatchObject({
      hosts_blocked: 1,
      blocked: [{ host: "cmp-09", rule: "host_down", why: "bring it up" }],
    });
    expect(warnings.map(({ code }) => code)).toContain("preflight_stops");
  });

  test("tells no bound of a plan to which it does not apply", () => {
    const cluster = aCluster({
      hosts: [{}, { used: [80] }],
      instances: [{ host: 0, needs: [60], fate: "stays" }],
    });

    expect(planned({ cluster }).findings).toMatchObject({
      lower_bound_seconds: null,
      outcomes: { fastest: { hosts_blocked: 0 } },
    });
  });

  test("says how much room is missing where that is what keeps a host", () => {
    const cluster = aCluster({
      hosts: [{}, { job: "none", used: [90] }],
      instances: [{ host: 0 }],
    });
    const { findings } = planned({ cluster });

    expect(findings.outcomes.fastest.blocked).toMatchObject([
      { host: "host-0", rule: "capacity", missing: { MEMORY_MB: 30 } },
    ]);
    expect(findings.outcomes.fastest.makespan_seconds).toBe(0);
  });

  // Clusters where one search finds what serves the other objective better.
  test.each([18, 80, 110, 212, 346])(
    "is of both plans that were found never the worse one for its objective (seed %i)",
    (seed) => {
      const { fastest, fewest_moves } = planned(random(seed)).findings.outcomes;

      expect(fastest.hosts_blocked).toBe(fewest_moves.hosts_blocked);
      expect(fastest.makespan_seconds).toBeLessThanOrEqual(fewest_moves.makespan_seconds);
      expect(fewest_moves.moves).toBeLessThanOrEqual(fastest.moves);
    },
  );

  test("says what it does not know", () => {
    const session = aSession({
      canary: true,
      max_parallel_hosts: 2,
      next_windows: [
        { starts_at: "2026-11-23T10:00:00.000Z", ends_at: "2026-11-23T11:00:00.000Z" },
      ],
    });

    expect(planned({}, session).findings.warnings.map(({ code }) => code)).toEqual([
      "moves_guessed",
      "work_guessed",
      "canary_not_planned",
      "windows_not_planned",
    ]);
  });
});
