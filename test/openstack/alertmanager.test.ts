import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { send } from "../../lib/egress.ts";
import { alertmanager } from "../../lib/monitoring/alertmanager.ts";
import type { Monitor } from "../../lib/monitoring/monitor.ts";
import { type Alertmanager, startAlertmanager } from "./alertmanager.ts";

let server: Alertmanager;
let monitor: Monitor;

beforeAll(async () => {
  server = await startAlertmanager();
  monitor = alertmanager({
    url: server.url,
    hostLabel: "instance",
    send: (request) => send(request, { allow: ["127.0.0.0/8"], deny: [] }),
  });
});
afterAll(() => server.close());

type Stored = { id: string; status: { state: string }; startsAt: string; endsAt: string };
type Alert = { labels: { instance: string }; status: { state: string } };

const read = async <T>(path: string): Promise<T> =>
  (await (await fetch(`${server.url}/api/v2${path}`)).json()) as T;
const live = async () =>
  (await read<Stored[]>("/silences")).filter(({ status }) => status.state !== "expired");
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const silenceOf = (host: string) => ({
  host,
  key: `7f3c/${host}`,
  from: new Date().toISOString(),
  until: inHours(2),
  comment: "host maintenance",
});
const nothingBefore = { silenced: false };

beforeEach(async () => {
  for (const { id } of await live())
    await fetch(`${server.url}/api/v2/silence/${id}`, { method: "DELETE" });
});

/** Fires one alert per value of the host label and tells which of them Alertmanager holds back. */
const suppressed = async (...instances: string[]): Promise<string[]> => {
  const alerts = instances.map((instance) => ({ labels: { alertname: "HostDown", instance } }));
  await fetch(`${server.url}/api/v2/alerts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(alerts),
  });
  const seen = async () => {
    const all = await read<Alert[]>("/alerts");
    return all.filter(({ labels }) => instances.includes(labels.instance));
  };
  await expect.poll(async () => (await seen()).length).toBe(instances.length);
  return (await seen())
    .filter(({ status }) => status.state === "suppressed")
    .map(({ labels }) => labels.instance)
    .toSorted();
};

test("holds back the alerts of the host, with and without a port, and no other", async () => {
  await monitor.silence(silenceOf("cmp-01.rack.a"));
  expect(
    await suppressed(
      "cmp-01.rack.a",
      "cmp-01.rack.a:9100",
      "cmp-01.rack.ab",
      "cmp-01xrack.a",
      "a-cmp-01.rack.a",
      "cmp-01.rack.a:9100:1",
    ),
  ).toEqual(["cmp-01.rack.a", "cmp-01.rack.a:9100"]);
});

test("one key is one silence, which renewal prolongs in place", async () => {
  const silence = silenceOf("cmp-02");
  await monitor.silence(silence);
  await monitor.silence(silence);
  const [first] = await live();
  const until = inHours(5);
  await monitor.silence({ ...silence, from: new Date().toISOString(), until });

  expect(await live()).toMatchObject([
    { id: first?.id, startsAt: first?.startsAt, endsAt: until, status: { state: "active" } },
  ]);
});

test("a silence that somebody ended is made anew", async () => {
  const silence = silenceOf("cmp-03");
  await monitor.silence(silence);
  const [first] = await live();
  await fetch(`${server.url}/api/v2/silence/${first?.id}`, { method: "DELETE" });
  await monitor.silence(silence);

  const [second] = await live();
  expect(second?.status.state).toBe("active");
  expect(second?.id).not.toBe(first?.id);
});

test("restoring lets the alerts through again, and is success a second time", async () => {
  await monitor.silence(silenceOf("cmp-04"));
  await monitor.silence(silenceOf("cmp-05"));
  await monitor.restore("cmp-04", "7f3c/cmp-04", nothingBefore);
  await monitor.restore("cmp-04", "7f3c/cmp-04", nothingBefore);

  expect(await suppressed("cmp-04", "cmp-05")).toEqual(["cmp-05"]);
});

test("a silence in the past is refused for good", async () => {
  await expect(
    monitor.silence({ ...silenceOf("cmp-06"), from: inHours(-2), until: inHours(-1) }),
  ).rejects.toMatchObject({
    name: "MonitoringError",
    message: expect.stringContaining("end time can't be in the past"),
  });
});

test("after close nothing listens any more", async () => {
  const second = await startAlertmanager();
  await second.close();
  await expect(fetch(second.url)).rejects.toThrow();
});
