import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isClosed,
  newSessionSchema,
  openSession,
  sessionSchema,
} from "../../lib/domain/session.ts";
import { aSession, NOW, SESSION_ID } from "./builders.ts";

const opening = {
  sessionId: SESSION_ID,
  cloud: "lab",
  region: "RegionOne",
  by: "admin",
  now: NOW,
};

/** The body that Fenix's own test scripts send. */
const fenixBody = {
  state: "MAINTENANCE",
  hosts: ["cmp-01"],
  maintenance_at: "2026-11-22 10:00:00",
  workflow: "vnf",
  metadata: { openstack_version: "2026.1" },
};

/** The path of the first thing that is wrong with a body. */
const complaint = (but: object): string | undefined => {
  const { error } = newSessionSchema.safeParse({ ...fenixBody, ...but });
  return error?.issues[0] && [...error.issues[0].path, error.issues[0].code].join(".");
};

test("takes the body of a Fenix client as it is", () => {
  expect(newSessionSchema.parse(fenixBody)).toMatchObject({
    hosts: ["cmp-01"],
    maintenance_at: "2026-11-22T10:00:00.000Z",
    workflow: "vnf",
    targets: [],
    max_parallel_hosts: 1,
    ends_at: null,
    profile: "production",
  });
});

test.each([
  ["a field nobody knows", { host: ["cmp-01"] }, "unrecognized_keys"],
  ["another first state", { state: "MAINTENANCE_DONE" }, "state.invalid_value"],
  ["a host that is no name", { hosts: ["cmp-01", ""] }, "hosts.1.too_small"],
  ["hosts as one string", { hosts: "cmp-01" }, "hosts.invalid_type"],
  ["more hosts than one session takes", { hosts: Array(2001).fill("a") }, "hosts.too_big"],
  ["no host at once", { max_parallel_hosts: 0 }, "max_parallel_hosts.too_small"],
  ["half a host at once", { max_parallel_hosts: 1.5 }, "max_parallel_hosts.invalid_type"],
  ["a number in quotes", { max_parallel_hosts: "2" }, "max_parallel_hosts.invalid_type"],
  ["metadata that a client's eval would trip on", { metadata: { a: [1] } }, "metadata.a"],
  [
    "more notes than anybody reads",
    { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`note-${n}`, n])) },
    "metadata.custom",
  ],
  ["a note as long as a book", { metadata: { a: "x".repeat(1_001) } }, "metadata.a"],
  [
    "names too long for one row",
    { hosts: Array.from({ length: 1_000 }, (_, n) => `${n}`.padEnd(200, "x")) },
    "hosts.custom",
  ],
  ["a plug-in nobody has", { actions: [{ plugin: "shell" }] }, "actions.0.plugin.invalid_value"],
  [
    "a field of an action nobody knows",
    { actions: [{ plugin: "hold", when: 1 }] },
    "actions.0.unrecognized_keys",
  ],
  ["a profile nobody has", { profile: "yolo" }, "profile.invalid_value"],
  ["an end that is no instant", { ends_at: "later" }, "ends_at.invalid_union"],
  ["a novel as the reason", { reason: "a".repeat(201) }, "reason.too_big"],
])("refuses %s and names the field", (_, but, path) => {
  expect(complaint(but)).toContain(path);
});

test("opens in MAINTENANCE, running, with its first event", () => {
  const session = openSession(newSessionSchema.parse(fenixBody), opening);

  expect(session).toMatchObject({
    session_id: SESSION_ID,
    state: "MAINTENANCE",
    prev_state: null,
    control: "running",
    created_by: "admin",
    created_at: NOW,
    preflight_at: null,
    claimed_at: null,
    closed_at: null,
    sequence: 1,
  });
  expect(isClosed(session)).toBe(false);
});

test("names each host once, in order, whatever the request repeats", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^cmp-\d$/)), (hosts) => {
      const session = openSession(newSessionSchema.parse({ ...fenixBody, hosts }), opening);

      expect(session.hosts).toEqual([...new Set(hosts)].toSorted());
    }),
  );
});

test("reads back what it stored, next to keys that are not its own", () => {
  const session = aSession({ metadata: { a: 1 }, actions: [], attention: [] });
  const row = { PK: "S#1", SK: "#META", kind: "session", ...JSON.parse(JSON.stringify(session)) };

  expect(sessionSchema.parse(row)).toEqual(session);
});
