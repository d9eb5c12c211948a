import fc from "fast-check";
import { expect, test } from "vitest";
import { isActive, PHASES } from "../../lib/domain/host-run.ts";
import { hostsToStart } from "../../lib/domain/plan/dispatch.ts";
import { aClaimedSession, aHost } from "./builders.ts";

const runs = fc
  .uniqueArray(
    fc.record({
      number: fc.nat(40),
      phase: fc.constantFrom(...PHASES, "WAITING" as const, "WAITING" as const),
      instances_total: fc.nat(3),
    }),
    { selector: ({ number }) => number },
  )
  .map((hosts) =>
    hosts.map(({ number, ...but }) => aHost(`cmp-${String(number).padStart(2, "0")}`, but)),
  );
const sessions = fc
  .integer({ min: 1, max: 6 })
  .map((max_parallel_hosts) => aClaimedSession({ max_parallel_hosts }));

test("starts as many hosts as may be at work, by name", () => {
  const hosts = [aHost("cmp-03"), aHost("cmp-01"), aHost("cmp-02")];

  expect(
    hostsToStart(aClaimedSession({ max_parallel_hosts: 2 }), hosts).map(({ host }) => host),
  ).toEqual(["cmp-01", "cmp-02"]);
});

test("a failed host takes no place", () => {
  const failed = aHost("cmp-01", { phase: "FINISHED", outcome: "failed" });
  const waiting = aHost("cmp-02");

  expect(hostsToStart(aClaimedSession(), [failed, waiting])).toEqual([waiting]);
});

test.each(["paused", "aborting"] as const)("starts nothing while %s", (control) => {
  expect(hostsToStart(aClaimedSession({ control }), [aHost("cmp-01")])).toEqual([]);
});

test("fills the free places with waiting hosts and no more", () => {
  fc.assert(
    fc.property(sessions, runs, (session, list) => {
      const started = hostsToStart(session, list);
      const waiting = list.filter(({ phase }) => phase === "WAITING");
      const free = Math.max(0, session.max_parallel_hosts - list.filter(isActive).length);

      expect(started.length).toBe(Math.min(free, waiting.length));
      expect(waiting).toEqual(expect.arrayContaining(started));
    }),
  );
});

test("does not depend on the order of the rows", () => {
  fc.assert(
    fc.property(sessions, runs, (session, list) => {
      expect(hostsToStart(session, list.toReversed())).toEqual(hostsToStart(session, list));
    }),
  );
});
