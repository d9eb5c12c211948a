import { describe, expect, test } from "vitest";
import type { HostRun } from "../../../lib/domain/host-run.ts";
import { later } from "../../../lib/domain/instant.ts";
import type { Move } from "../../../lib/domain/move.ts";
import {
  canariesIn,
  hostsToAskForProof,
  hostsToProve,
  modelsOnTrial,
} from "../../../lib/domain/plan/canary.ts";
import { aClaimedSession, aHost, aMove, at, NOW } from "../builders.ts";

const session = aClaimedSession({ canary: true, soak_minutes: 10 });

const of = (host: string, model: string, but: Partial<HostRun> = {}) =>
  aHost(host, { place: { ...at("nova"), model }, instances_total: 3, ...but });
const maintained = (host: string, model: string, seconds = 0) =>
  of(host, model, { phase: "FINISHED", outcome: "maintained", finished_at: later(NOW, seconds) });
const movedTo = (host: string, seconds: number, but: Partial<Move> = {}) =>
  aMove({ state: "moved", destination_host: host, finished_at: later(NOW, seconds), ...but });

describe("a model is on trial", () => {
  const runs = [maintained("cmp-01", "old"), of("cmp-02", "old"), of("cmp-03", "new")];
  const borne = { ...session, canaries: [{ model: "old", host: "cmp-01", at: NOW }] };

  test("until one of its hosts has borne an instance as long as the session wants", () => {
    const on = (seconds: number) => [...modelsOnTrial(borne, runs, later(NOW, seconds))];

    expect([...modelsOnTrial(session, runs, NOW)]).toEqual(["old", "new"]);
    expect(on(599)).toEqual(["old", "new"]);
    expect(on(600)).toEqual(["new"]);
  });

  test("again while the host that bore it is down", () => {
    const isDown = (host: string) => host === "cmp-01";

    expect([...modelsOnTrial(borne, runs, later(NOW, 600), isDown)]).toEqual(["old", "new"]);
  });

  test("only if the session wants a canary", () => {
    expect(modelsOnTrial({ ...session, canary: false }, runs, NOW).size).toBe(0);
  });
});

describe("a canary is proven", () => {
  const runs = [
    maintained("cmp-01", "old", 60),
    of("cmp-02", "old", { phase: "MOVING" }),
    of("cmp-03", "old"),
  ];

  test("by the first instance that was moved onto it after its work", () => {
    const moves = [movedTo("cmp-01", 90), movedTo("cmp-01", 70), movedTo("cmp-09", 65)];

    expect(canariesIn(session, runs, moves)).toEqual([
      { model: "old", host: "cmp-01", at: later(NOW, 70) },
    ]);
  });

  test("not by one that came before its work was done, is still on its way, or went elsewhere", () => {
    const moves = [
      movedTo("cmp-01", 60),
      movedTo("cmp-01", 90, { state: "moving", finished_at: null }),
      movedTo("cmp-03", 90),
    ];

    expect(canariesIn(session, runs, moves)).toEqual([]);
  });

  test("once: nobody looks at moves any more", () => {
    const proven = { ...session, canaries: [{ model: "old", host: "cmp-01", at: NOW }] };

    expect(hostsToAskForProof(session, runs)).toEqual(["cmp-02"]);
    expect(hostsToAskForProof(proven, runs)).toEqual([]);
    expect(canariesIn(proven, runs, [movedTo("cmp-01", 90)])).toEqual([]);
  });
});

test("nothing is to be proven when no other host of the model is left, or none is maintained yet", () => {
  expect(hostsToProve(session, [maintained("cmp-01", "old")]).size).toBe(0);
  expect(hostsToProve(session, [of("cmp-01", "old"), of("cmp-02", "old")]).size).toBe(0);
  expect([...hostsToProve(session, [maintained("cmp-01", "old"), of("cmp-02", "old")])]).toEqual([
    "cmp-01",
  ]);
});

test("moves are read of hosts at work and of the last that finished, if they had instances", () => {
  const many = Array.from({ length: 30 }, (_, n) => maintained(`cmp-1${n}`, "old", 100 + n));
  const runs = [
    maintained("cmp-01", "old"),
    ...many,
    of("cmp-90", "old", { phase: "MOVING", instances_total: 0 }),
    of("cmp-91", "old", { phase: "MOVING" }),
    of("cmp-92", "old", { phase: "CORDONED", cordon: true }),
    of("cmp-93", "old"),
  ];
  const asked = hostsToAskForProof(session, runs);

  expect(asked).toContain("cmp-91");
  expect(asked).toContain("cmp-129");
  expect(asked).toHaveLength(21);
});
