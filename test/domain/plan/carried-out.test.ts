import { describe, expect, test } from "vitest";
import type { HostRun } from "../../../lib/domain/host-run.ts";
import type { Move } from "../../../lib/domain/move.ts";
import { carriedOut } from "../../../lib/domain/plan/carried-out.ts";
import type { Operation } from "../../../lib/domain/plan/operations.ts";
import { aHost, aMove, NOW } from "../builders.ts";

const stateOf = (
  what: Operation["what"],
  {
    run,
    move,
    isClosed = false,
  }: { run?: Partial<HostRun>; move?: Partial<Move>; isClosed?: boolean },
) =>
  carriedOut(
    {
      number: 1,
      what,
      host: "cmp-01",
      instance_id: null,
      instance_name: null,
      to: null,
      starts_in: 0,
      ends_in: 0,
    },
    { isClosed, run: run && aHost("cmp-01", run), move: move && aMove(move) },
  ).state;

const begun = { started_at: NOW } as const;
const atWork = { ...begun, phase: "IN_MAINTENANCE", work_started_at: NOW } as const;
const over = { ...begun, phase: "FINISHED", finished_at: NOW } as const;

describe("what became of a move", () => {
  test.each([
    ["waiting", "PLANNED"],
    ["moving", "RUNNING"],
    ["moved", "SUCCEEDED"],
    ["blocked", "FAILED"],
    ["gone", "SKIPPED"],
    ["staying", "SKIPPED"],
  ] as const)("that is %s is %s", (state, expected) => {
    expect(stateOf("move", { run: begun, move: { state } })).toBe(expected);
  });

  test("which nobody has looked at is planned, until its host is done without it", () => {
    expect(stateOf("move", {})).toBe("PLANNED");
    const run = { ...over, outcome: "maintained" } as const;
    expect(stateOf("move", { run })).toBe("SKIPPED");
    expect(stateOf("move", { run, move: { state: "waiting" } })).toBe("SKIPPED");
  });

  test("tells where the instance really went", () => {
    const move = aMove({ state: "moved", destination_host: "cmp-09", finished_at: NOW });
    const told = carriedOut(
      {
        number: 1,
        what: "move",
        host: "cmp-02",
        instance_id: "instance-1",
        instance_name: "web",
        to: "cmp-03",
        starts_in: 0,
        ends_in: 9,
      },
      { isClosed: false, run: undefined, move },
    );

    expect(told).toMatchObject({ state: "SUCCEEDED", went_to: "cmp-09", finished_at: NOW });
  });
});

test.each([
  ["waits", { phase: "WAITING" }, "PLANNED"],
  ["is disabled early", { ...begun, phase: "CORDONED" }, "PLANNED"],
  ["is being disabled", { ...begun, phase: "DISABLING" }, "RUNNING"],
  ["is being emptied", { ...begun, phase: "MOVING" }, "SUCCEEDED"],
  ["was never begun", { phase: "FINISHED", outcome: "restored" }, "SKIPPED"],
] as const)("the opening of a host that %s is %s", (_, run, expected) => {
  expect(stateOf("open", { run: { ...run } })).toBe(expected);
});

test.each([
  ["is being emptied", { ...begun, phase: "MOVING" }, "PLANNED"],
  ["is at work", atWork, "RUNNING"],
  ["is proven to be back", { ...atWork, phase: "VERIFYING" }, "RUNNING"],
  ["is given back", { ...atWork, phase: "RESTORING", outcome: "restored" }, "SKIPPED"],
  ["lets others go first", { ...begun, phase: "RESTORING", waits_again: true }, "PLANNED"],
  ["was maintained", { ...over, outcome: "maintained" }, "SUCCEEDED"],
  ["was retired", { ...over, outcome: "retired" }, "SUCCEEDED"],
  ["failed", { ...over, outcome: "failed" }, "FAILED"],
  ["was given back", { ...over, outcome: "restored" }, "SKIPPED"],
] as const)("the work on a host that %s is %s", (_, run, expected) => {
  expect(stateOf("work", { run: { ...run } })).toBe(expected);
});

test.each([
  ["is being emptied", { ...begun, phase: "MOVING" }, "PLANNED"],
  ["was given back", { ...over, outcome: "restored" }, "SUCCEEDED"],
  ["was maintained all the same", { ...over, outcome: "maintained" }, "SKIPPED"],
] as const)("giving up a host that %s is %s", (_, run, expected) => {
  expect(stateOf("close", { run: { ...run } })).toBe(expected);
});

test.each(["open", "move", "work", "close"] as const)(
  "what a session has not come to when it is over, such as %s, is skipped",
  (what) => {
    expect(stateOf(what, { isClosed: true })).toBe("SKIPPED");
  },
);
