import { describe, expect, test } from "vitest";
import { planLines } from "../../../lib/cli/plan-text.ts";
import type { Outcome, Plan } from "../../../lib/client/plans.ts";
import { lullHere } from "./lull.ts";

const outcome = (but: Partial<Outcome> = {}): Outcome => ({
  makespan_seconds: 7_200,
  makespan_low_seconds: 5_400,
  makespan_high_seconds: 10_800,
  ends_at: "2026-11-22T12:00:00Z",
  ends_at_low: "2026-11-22T11:30:00Z",
  ends_at_high: "2026-11-22T13:00:00Z",
  moves: 40,
  operations: 60,
  hosts_maintained: 10,
  hosts_blocked: 0,
  blocked: [],
  ...but,
});

const plan = (fastest: Outcome, but: Partial<Plan> = {}): Plan => ({
  plan_id: "p-1",
  status: "ready",
  objective: "fastest",
  starts_at: "2026-11-22T10:00:00Z",
  outcomes: { fastest, fewest_moves: outcome({ makespan_seconds: 9_000, moves: 31 }) },
  lower_bound_seconds: 6_000,
  warnings: [],
  ...but,
});

describe("a plan in words", () => {
  test("shows both objectives side by side, and which one is listed", () => {
    const lines = planLines(plan(outcome()), "fewest_moves", []);

    expect(lines).toContain("plan p-1, from 2026-11-22 10:00:00Z");
    expect(lines).toContainEqual(expect.stringMatching(/^ +fastest +fewest_moves \*$/));
    expect(lines).toContainEqual(expect.stringMatching(/^moves +40 +31$/));
    expect(lines).toContainEqual(expect.stringMatching(/^takes +2h00m +2h30m$/));
    expect(lines).toContainEqual(expect.stringMatching(/^between +1h30m and 3h00m/));
    expect(lines).toContainEqual(expect.stringMatching(/^between +11:30Z and 13:00Z/));
    expect(lines).toContainEqual(expect.stringMatching(/^at least +1h40m$/));
  });

  test("names each host that stays out, with what keeps it and what is missing", () => {
    const blocked = [
      { host: "cmp-07", rule: "pinned", instance_name: "db\u001b[2J", why: "locked: unlock it" },
      { host: "cmp-09", rule: "capacity", missing: { MEMORY_MB: 8_192, VCPU: 0 } },
    ];
    const lines = planLines(plan(outcome({ hosts_blocked: 3, blocked })), "fastest", []);

    expect(lines).toContainEqual(expect.stringMatching(/^hosts maintained +10, 3 blocked +10$/));
    expect(lines).toContain("  cmp-07  pinned    db [2J  locked: unlock it");
    expect(lines).toContain("  cmp-09  capacity          missing MEMORY_MB 8192");
    expect(lines).toContain("  and 1 more");
  });

  test("says how bad it gets", () => {
    const point = { at: "2026-11-22T10:00:00Z", hosts_out: 1, impacted: 9, impacted_members: 2 };
    const lines = planLines(plan(outcome()), "fastest", [
      { ...point, free: { MEMORY_MB: 900, VCPU: 8 } },
      { ...point, free: { MEMORY_MB: 700, VCPU: 9 }, hosts_out: 4, impacted: 3 },
    ]);

    expect(lines).toContain("at the worst: 4 hosts out, 9 instances impacted (2 in groups)");
    expect(lines).toContain("at the least free: MEMORY_MB 700, VCPU 8");
  });

  test("says what it does not know, and no bound where there is none", () => {
    const warnings = [{ code: "moves_guessed", message: "10 s and 500 MB/s" }];
    const lines = planLines(
      plan(outcome(), { warnings, lower_bound_seconds: null }),
      "fastest",
      [],
    );

    expect(lines).not.toContainEqual(expect.stringMatching(/^at least/));
    expect(lines).toContain("! moves_guessed: 10 s and 500 MB/s");
  });
});

test.each([
  [["--objective", "cheapest", "--host", "a"], "--objective is one of fastest, fewest_moves"],
  [["one", "two"], "a plan is of one session"],
  [[], "name the hosts with --host or --hosts-file"],
  [
    ["7f3c0000-0000-4000-8000-000000000001", "--max-parallel", "2"],
    "--max-parallel describes a session",
  ],
  [["--plan", "0b1c2d3e-4f50-4a61-8b72-93a4b5c6d7e8", "--host", "a"], "--host describes a session"],
])("lull maintenance plan %j is refused before anybody is asked", async (args, words) => {
  expect(await lullHere(["maintenance", "plan", ...args])).toMatchObject({
    code: 2,
    err: expect.stringContaining(words),
  });
});
