import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  alarmBody,
  alarmEvent,
  type EventAlarm,
  firedBy,
  postableActions,
} from "../../lib/domain/alarms.ts";
import { NOW, SESSION_ID } from "./builders.ts";

const INSTANCE = "0b6e1c3a-6d0e-4a3b-9a35-3f0b6d1a2c4d";

const detail = (but: Readonly<Record<string, unknown>> = {}) => ({
  service: "lull",
  project_id: "alpha",
  session_id: SESSION_ID,
  state: "PREPARE_MAINTENANCE",
  instance_ids: [INSTANCE],
  allowed_actions: ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"],
  actions_at: "2026-11-22T10:05:00.000Z",
  reply_at: "2026-11-22T10:04:00.250Z",
  reply_url: `http://lull.example/v1/maintenance/${SESSION_ID}/alpha/${INSTANCE}`,
  metadata: { openstack_version: "Train", cpus: 8 },
  status_url: "http://lull.example/status/project/abc",
  ...but,
});

const scheduled = (but: Readonly<Record<string, unknown>> = {}) =>
  alarmEvent({ type: "maintenance.scheduled", at: NOW, detail: detail(but) }, "alpha", "message-1");

const traitsOf = (but: Readonly<Record<string, unknown>> = {}) =>
  Object.fromEntries(scheduled(but).traits.map(([name, , value]) => [name, value]));

const anAlarm = (but: Partial<EventAlarm> = {}): EventAlarm => ({
  alarm_id: "alarm-1",
  name: "maintenance",
  project_id: "alpha",
  type: "event",
  enabled: true,
  state: "insufficient data",
  severity: "low",
  repeat_actions: true,
  alarm_actions: ["http://vnfm.example/maintenance"],
  event_rule: { event_type: "maintenance.scheduled", query: [] },
  ...but,
});

describe("the traits of an event", () => {
  test("are Fenix's, with JSON that Python reads, and instants as Aodh writes them", () => {
    expect(scheduled()).toEqual({
      message_id: "message-1",
      event_type: "maintenance.scheduled",
      generated: "2026-11-22T10:00:00",
      traits: [
        ["service", 1, "lull"],
        ["project_id", 1, "alpha"],
        ["session_id", 1, SESSION_ID],
        ["state", 1, "PREPARE_MAINTENANCE"],
        ["instance_ids", 1, `["${INSTANCE}"]`],
        ["allowed_actions", 1, '["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"]'],
        ["actions_at", 4, "2026-11-22T10:05:00"],
        ["reply_at", 4, "2026-11-22T10:04:00.250000"],
        ["reply_url", 1, `http://lull.example/v1/maintenance/${SESSION_ID}/alpha/${INSTANCE}`],
        ["metadata", 1, '{"openstack_version": "Train", "cpus": 8}'],
        ["status_url", 1, "http://lull.example/status/project/abc"],
      ],
      raw: {},
      message_signature: "",
    });
  });

  test("say how much room is missing, to who is asked to scale in", () => {
    const missing = { MEMORY_MB: 4_096, VCPU: 2 };

    expect(traitsOf({ state: "SCALE_IN", missing })["missing"]).toBe(
      '{"MEMORY_MB": 4096, "VCPU": 2}',
    );
  });

  test("leave out what is null or empty, which no client has to decode then", () => {
    const names = Object.keys(
      traitsOf({ reply_at: null, reply_url: null, allowed_actions: [], metadata: {} }),
    );
    for (const gone of ["reply_at", "reply_url", "allowed_actions", "metadata"])
      expect(names).not.toContain(gone);
  });

  test("keep a URL as it is", () => {
    expect(traitsOf({ instance_ids: "http://lull.example/x" })["instance_ids"]).toBe(
      "http://lull.example/x",
    );
  });

  test("write truth as Python does, and no apostrophe after a u", () => {
    const metadata = { ready: true, late: false, nothing: null, words: "you're" };
    expect(traitsOf({ metadata })["metadata"]).toBe(
      '{"ready": True, "late": False, "words": "you\\u0027re"}',
    );
  });

  test("are never longer than what Ceilometer keeps: entries that do not fit are left out whole", () => {
    const metadata = { first: "a", long: "x".repeat(300), last: "b" };
    expect(traitsOf({ metadata })["metadata"]).toBe('{"first": "a", "last": "b"}');
    const many = Array.from({ length: 7 }, () => INSTANCE);
    expect(traitsOf({ instance_ids: many })).not.toHaveProperty("instance_ids");
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.double())), (any) => {
        for (const [, , value] of scheduled({ metadata: any }).traits)
          expect(String(value).length).toBeLessThanOrEqual(255);
      }),
    );
  });

  test("of a host's event name the project they are sent for", () => {
    const event = {
      type: "maintenance.host",
      at: NOW,
      detail: { host: "cmp-01", state: "IN_MAINTENANCE" },
    };
    expect(alarmEvent(event, "inspectors", "message-1").traits).toEqual([
      ["project_id", 1, "inspectors"],
      ["host", 1, "cmp-01"],
      ["state", 1, "IN_MAINTENANCE"],
    ]);
  });
});

describe("an alarm", () => {
  const fires = (but: Partial<EventAlarm>) => firedBy([anAlarm(but)], scheduled()).length === 1;

  test.each<readonly [string, Partial<EventAlarm>, boolean]>([
    ["of the event's project and type", {}, true],
    ["of another project", { project_id: "beta" }, false],
    ["that is not enabled", { enabled: false }, false],
    ["of another kind", { type: "threshold" }, false],
    ["of every type", { event_rule: { event_type: "*", query: [] } }, true],
    ["of a pattern", { event_rule: { event_type: "maintenance.*", query: [] } }, true],
    ["of another type", { event_rule: { event_type: "maintenance.host", query: [] } }, false],
    ["that has fired and repeats", { state: "alarm" }, true],
    ["that has fired and does not repeat", { state: "alarm", repeat_actions: false }, false],
    ["that has not fired and does not repeat", { repeat_actions: false }, true],
  ])("%s: %j", (_, but, expected) => {
    expect(fires(but)).toBe(expected);
  });

  test.each<readonly [field: string, op: string, type: string, value: string, met: boolean]>([
    ["traits.state", "eq", "string", "PREPARE_MAINTENANCE", true],
    ["traits.state", "eq", "", "PREPARE_MAINTENANCE", true],
    ["traits.state", "eq", "string", "SCALE_IN", false],
    ["traits.state", "ne", "string", "SCALE_IN", true],
    ["traits.state", "lt", "string", "Q", true],
    ["traits.state", "ge", "string", "Q", false],
    ["traits.none", "eq", "string", "", false],
    ["traits.none", "ne", "string", "x", true],
    ["traits.none", "lt", "string", "x", false],
    ["traits.state", "eq", "integer", "1", false],
    ["traits.state", "ne", "integer", "1", true],
    ["traits.state", "gt", "integer", "1", false],
    ["traits.state", "ne", "integer", "one", false],
    ["traits.state", "eq", "boolean", "True", false],
    ["traits.state", "like", "string", "PREPARE_MAINTENANCE", false],
    ["traits.actions_at", "eq", "string", "2026-11-22T10:05:00", false],
    ["traits.actions_at", "eq", "datetime", "2026-11-22T10:05:00", true],
    ["traits.actions_at", "le", "datetime", "2026-11-22T12:05:00+02:00", true],
    ["event_type", "eq", "string", "maintenance.scheduled", false],
  ])("with the condition %s %s %s %s: %s", (field, op, type, value, met) => {
    const query = [{ field, op, type, value }];
    expect(fires({ event_rule: { event_type: "*", query } })).toBe(met);
  });

  test("fires only when all of its conditions are met", () => {
    const query = [
      { field: "traits.state", op: "eq", type: "string", value: "PREPARE_MAINTENANCE" },
      { field: "traits.service", op: "eq", type: "string", value: "fenix" },
    ];
    expect(fires({ event_rule: { event_type: "*", query } })).toBe(false);
  });

  test("compares numbers of either kind", () => {
    const event = { type: "maintenance.session", at: NOW, detail: { percent_done: 50 } };
    const fired = (type: string, value: string) => {
      const query = [{ field: "traits.percent_done", op: "ge", type, value }];
      return firedBy(
        [anAlarm({ event_rule: { event_type: "*", query } })],
        alarmEvent(event, "alpha", "message-1"),
      ).length;
    };
    expect([fired("integer", "50"), fired("float", "49.5"), fired("float", "50.5")]).toEqual([
      1, 1, 0,
    ]);
  });

  test("is served at its web addresses only, each once", () => {
    const alarm_actions = [
      "https://a.example/x",
      "trust+https://b.example/",
      "log://",
      "test:///",
      "https://a.example/x",
      "http://c.example/y",
    ];
    expect(postableActions({ alarm_actions })).toEqual([
      "https://a.example/x",
      "http://c.example/y",
    ]);
  });

  test("is told in Aodh's words", () => {
    const query = [{ field: "traits.state", op: "eq", type: "string", value: "é" }];
    const event = scheduled();
    expect(
      alarmBody(anAlarm({ event_rule: { event_type: "maintenance.*", query } }), event),
    ).toEqual({
      alarm_name: "maintenance",
      alarm_id: "alarm-1",
      severity: "low",
      previous: "insufficient data",
      current: "alarm",
      reason:
        "Event <id=message-1,event_type=maintenance.scheduled> hits the query <query=" +
        '[{"field": "traits.state", "op": "eq", "type": "string", "value": "\\u00e9"}]>.',
      reason_data: { type: "event", event },
    });
  });
});
