import { expect, test } from "vitest";
import {
  attentionTo,
  isLookedThrough,
  nextHosts,
  type Round,
  withRound,
} from "../../lib/domain/preflight-round.ts";
import type { Session } from "../../lib/domain/session.ts";
import { aSession, NOW } from "./builders.ts";

const names = Array.from({ length: 450 }, (_, n) => `cmp-${n}`);

const round = (but: Partial<Round> = {}): Round => ({
  findings: [],
  warnings: [],
  summary: { instances_total: 3, by_class: { live: 2, cold: 1 }, local_disk_gb: 10, notes: [] },
  owned: [],
  last: false,
  ...but,
});
const finding = (host: string) => ({ path: `${host}/i-1`, code: "locked", message: "unlock it" });

/** Looks round after round, as the session's step does. */
const lookThrough = (session: Session, look: (hosts: readonly string[]) => Round) => {
  const rounds: string[][] = [];
  let seen = session;
  do {
    const hosts = nextHosts(seen);
    rounds.push(hosts);
    seen = { ...seen, preflight: withRound(seen, look(hosts)) };
  } while (seen.preflight !== null && !isLookedThrough(seen, seen.preflight));
  return { rounds, preflight: seen.preflight };
};

test("each host of a large session is looked at once, and all is added up", () => {
  const { rounds, preflight } = lookThrough(aSession({ hosts: names }), () => round());

  expect(rounds.map((hosts) => hosts.length)).toEqual([200, 200, 50]);
  expect(rounds.flat()).toEqual(names);
  expect(preflight).toMatchObject({
    hosts_seen: 450,
    instances_total: 9,
    by_class: { live: 6, cold: 3 },
    local_disk_gb: 30,
  });
});

test("what is found on the way is told at the end, in order; fifty by name, the others counted", () => {
  const { preflight } = lookThrough(aSession({ hosts: names }), (hosts) =>
    round({ findings: hosts.filter((_, n) => n % 5 === 0).map(finding) }),
  );
  if (preflight === null) throw new Error("nothing was seen");
  const attention = attentionTo(preflight, NOW);

  expect(preflight.findings_total).toBe(90);
  expect(attention).toHaveLength(51);
  expect(attention[0]).toMatchObject({
    code: "preflight_blocked",
    host: "cmp-0",
    instance: "i-1",
    since: NOW,
    message: "locked: unlock it",
  });
  expect(attention.at(-1)).toMatchObject({
    host: null,
    message: expect.stringContaining("40 more"),
  });
});

test("a finding about no host names none", () => {
  const findings = [{ path: "", code: "credential_expires", message: "soon" }];
  const preflight = withRound(aSession(), round({ findings }));

  expect(attentionTo(preflight, NOW)).toMatchObject([{ host: null, instance: null }]);
});

test("it ends early when what is seen is not to be relied on", () => {
  const { rounds, preflight } = lookThrough(aSession({ hosts: names }), () =>
    round({ findings: [finding("cmp-0")], last: true }),
  );

  expect(rounds).toHaveLength(1);
  expect(preflight?.hosts_seen).toBe(450);
});

test("notes and warnings stay few, however large the session", () => {
  const notes = Array.from({ length: 80 }, (_, n) => ({
    host: "cmp-0",
    instance_id: `i-${n}`,
    instance_name: "web",
    class: "cold",
    why: "it is shut off, and moved so",
  }));
  const warnings = Array.from({ length: 80 }, () => ({ code: "capacity_short", message: "tight" }));
  const { preflight } = lookThrough(aSession({ hosts: names }), () =>
    round({ warnings, summary: { ...round().summary, notes } }),
  );

  expect(preflight?.notes).toHaveLength(50);
  expect(preflight?.warnings).toHaveLength(20);
});
