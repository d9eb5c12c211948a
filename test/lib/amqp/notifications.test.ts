import { expect, test } from "vitest";
import {
  alarmNotificationsOf,
  enveloped,
  notificationsOf,
} from "../../../lib/amqp/notifications.ts";

const AT = "2026-11-22T10:00:00.000Z";
const ours = { entity: "session-1/alpha", sequence: 3, at: AT };
const scheduled = {
  type: "maintenance.scheduled",
  ...ours,
  detail: { ...ours, project_id: "alpha", state: "SCALE_IN" },
};
const host = {
  type: "maintenance.host",
  ...ours,
  detail: { ...ours, host: "cmp-01", state: "IN_MAINTENANCE" },
};

test("a project's event is one notification, without what only our bus needs", () => {
  expect(notificationsOf(scheduled, ["admin"])).toEqual([
    {
      message_id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      publisher_id: "lull",
      event_type: "maintenance.scheduled",
      priority: "INFO",
      timestamp: "2026-11-22 10:00:00.000000",
      payload: { project_id: "alpha", state: "SCALE_IN" },
    },
  ]);
});

test("an event that names a host goes to the projects that may know hosts, and fires nobody else's alarms", () => {
  const payloads = (projects: readonly string[]) =>
    notificationsOf(host, projects).map(({ payload }) => payload);
  const payload = { host: "cmp-01", state: "IN_MAINTENANCE" };
  expect(payloads([])).toEqual([payload]);
  expect(payloads(["admin", "inspectors"])).toEqual([
    { ...payload, project_id: "admin" },
    { ...payload, project_id: "inspectors" },
  ]);
  expect(alarmNotificationsOf(host, [])).toEqual([]);
  expect(alarmNotificationsOf(host, ["inspectors"])).toMatchObject([
    {
      event_type: "event",
      priority: "SAMPLE",
      payload: [
        {
          event_type: "maintenance.host",
          traits: expect.arrayContaining([["project_id", 1, "inspectors"]]),
        },
      ],
    },
  ]);
});

test("an event that comes twice is the same message, each project's another", () => {
  const ids = (projects: readonly string[]) =>
    notificationsOf(host, projects).map(({ message_id }) => message_id);
  expect(ids(["admin", "inspectors"])).toEqual(ids(["admin", "inspectors"]));
  expect(new Set(ids(["admin", "inspectors"])).size).toBe(2);
});

test("a sample that fires alarms comes twice as the same message, whatever was told in between", () => {
  const sent = () =>
    alarmNotificationsOf(scheduled, []).map((one) => JSON.parse(enveloped(one, "v1")));
  const [first] = sent();
  expect(sent()).toEqual([first]);
  expect(first.payload[0].message_id).toBe(first.message_id);

  const next = { ...scheduled, sequence: 4 };
  expect(alarmNotificationsOf(next, [])[0]?.message_id).not.toBe(first.message_id);
});

test("both envelopes hold the same message, with the id by which oslo.messaging knows it again", () => {
  const [notification] = notificationsOf(scheduled, []);
  if (!notification) throw new Error("no notification");
  const message = JSON.parse(enveloped(notification, "v1"));
  expect(message).toEqual({
    ...notification,
    _unique_id: notification.message_id.replaceAll("-", ""),
  });
  const outer = JSON.parse(enveloped(notification, "v2"));
  expect(outer["oslo.version"]).toBe("2.0");
  expect(JSON.parse(outer["oslo.message"])).toEqual(message);
});
