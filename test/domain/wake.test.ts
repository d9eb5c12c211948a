import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reactionsTo, type SeenRow } from "../../lib/domain/wake.ts";
import { aClaimedSession, aHost, SESSION_ID } from "./builders.ts";

const run = (but: SeenRow = {}): SeenRow => ({
  kind: "run",
  run_id: "run-1",
  generation: 1,
  status: "active",
  rounds: 0,
  ...but,
});
const session = (but: SeenRow = {}): SeenRow => ({ kind: "session", ...aClaimedSession(), ...but });
const hostRun = (but: SeenRow = {}): SeenRow => ({
  kind: "host_run",
  ...aHost("cmp-01", { phase: "COMPLETING", run_id: "run-1" }),
  ...but,
});
const hook = (but: SeenRow = {}): SeenRow => ({
  kind: "hook",
  run_id: "run-1",
  answer: null,
  ...but,
});

describe("a run", () => {
  test("that is new, or of a new generation, wants an execution", () => {
    const start = [{ act: "start", run_id: "run-1" }];

    expect(reactionsTo(undefined, run())).toEqual(start);
    expect(reactionsTo(run(), run({ generation: 2 }))).toEqual(start);
  });

  test("that only shows a sign of life wants nothing", () => {
    expect(reactionsTo(run(), run({ rounds: 1, heartbeat_at: "later" }))).toEqual([]);
  });

  test("that has ended wants nothing", () => {
    expect(reactionsTo(run(), run({ status: "ended" }))).toEqual([]);
    expect(reactionsTo(undefined, run({ status: "ended" }))).toEqual([]);
  });
});

describe("a session", () => {
  test.each([
    ["control", "paused"],
    ["holds", [{ code: "operator" }]],
    ["retried", { "cmp-01": "2026-11-23T00:00:00.000Z" }],
  ])("whose %s changed wakes its run and those of its hosts", (field, value) => {
    expect(reactionsTo(session(), session({ [field]: value }))).toEqual([
      { act: "wake_session", session_id: SESSION_ID },
    ]);
  });

  test("whose own run wrote it wakes nobody", () => {
    expect(reactionsTo(session(), session({ state: "MAINTENANCE_COMPLETE", sequence: 9 }))).toEqual(
      [],
    );
  });

  test("that is new wakes nobody: its run starts", () => {
    expect(reactionsTo(undefined, session())).toEqual([]);
  });
});

describe("a host", () => {
  test("that its session admits is woken", () => {
    const before = hostRun({ phase: "CORDONED" });
    expect(reactionsTo(before, hostRun({ phase: "ASKING" }))).toMatchObject([{ act: "wake" }]);
  });

  test.each(["CORDONED", "WAITING"])("that gets to %s wakes its session", (phase) => {
    expect(reactionsTo(hostRun(), hostRun({ phase }))).toMatchObject([
      { act: "wake", run_id: SESSION_ID },
    ]);
  });

  test("that raises an alarm wakes its session", () => {
    const alarm = { at: "2026-11-23T00:00:00.000Z", why: "an instance is in ERROR" };
    expect(reactionsTo(hostRun(), hostRun({ alarm }))).toMatchObject([
      { act: "wake", run_id: SESSION_ID },
    ]);
  });

  test("that finished wakes its session", () => {
    expect(reactionsTo(hostRun(), hostRun({ phase: "FINISHED" }))).toEqual([
      { act: "wake", run_id: SESSION_ID },
    ]);
  });

  test("that goes on wakes nobody", () => {
    expect(reactionsTo(hostRun({ phase: "MOVING" }), hostRun())).toEqual([]);
    expect(reactionsTo(undefined, hostRun({ phase: "WAITING" }))).toEqual([]);
  });

  test("that finished before wakes nobody again", () => {
    const finished = hostRun({ phase: "FINISHED" });

    expect(reactionsTo(finished, { ...finished, details: "seen" })).toEqual([]);
  });
});

describe("a callback", () => {
  test("that was answered wakes the run that waits for it", () => {
    expect(reactionsTo(hook(), hook({ answer: { state: "DONE" } }))).toEqual([
      { act: "wake", run_id: "run-1" },
    ]);
  });

  test("that was stored or got another secret wakes nobody", () => {
    expect(reactionsTo(undefined, hook())).toEqual([]);
    expect(reactionsTo(hook(), hook({ secrets_sha256: ["a", "b"] }))).toEqual([]);
  });
});

test("a removed row, or one of another kind, asks nothing of anybody", () => {
  const rows = fc.constantFrom(run(), session(), hostRun({ phase: "FINISHED" }), hook());
  const others = fc.constantFrom("event", "device", "intent", "wake", "owner", undefined);

  fc.assert(
    fc.property(rows, others, (row, kind) => {
      expect(reactionsTo(row, undefined)).toEqual([]);
      expect(reactionsTo(row, { ...row, kind, generation: 9, phase: "FINISHED" })).toEqual([]);
    }),
  );
});

test.each([
  ["freeze", { frozen: true }],
  ["cloud_health", { why: null }],
])("an order to the whole cloud (%s) wakes every run", (kind, change) => {
  const before = { kind, frozen: false, why: "Nova is down" };
  expect(reactionsTo(before, { ...before, ...change })).toEqual([{ act: "wake_all" }]);
  expect(reactionsTo(before, before)).toEqual([]);
});
