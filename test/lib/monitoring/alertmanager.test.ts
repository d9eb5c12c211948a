import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { send } from "../../../lib/egress.ts";
import { alertmanager } from "../../../lib/monitoring/alertmanager.ts";
import { type Answer, type Call, startJsonServer } from "../json-server.ts";

const HOUR_MS = 3_600_000;
const started = Date.parse("2026-11-22T10:00:00Z");
const at = (hours: number) => new Date(started + hours * HOUR_MS).toISOString();

type Stored = {
  id: string;
  createdBy: string;
  comment: string;
  startsAt: string;
  endsAt: string;
  matchers: { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
};

/** Alertmanager 0.25 as far as it concerns silences: what the real one answered is in test/openstack. */
const startAlertmanager = async () => {
  const world = { now: started, silences: new Map<string, Stored>(), outage: 0, deaf: false };
  const state = ({ startsAt, endsAt }: Stored) => {
    if (Date.parse(endsAt) <= world.now) return "expired";
    return Date.parse(startsAt) > world.now ? "pending" : "active";
  };
  const isInPlace = (old: Stored | undefined, wanted: Stored) =>
    old && state(old) !== "expired" && old.startsAt === wanted.startsAt;
  const post = (wanted: Stored): Answer => {
    const old = world.silences.get(wanted.id ?? "");
    if (wanted.id && !old) return { status: 404, body: "silence not found" };
    if (Date.parse(wanted.endsAt) < world.now)
      return { status: 400, body: "Failed to create silence: end time can't be in the past" };
    const inPlace = isInPlace(old, wanted) ? old : undefined;
    if (old && !inPlace) old.endsAt = new Date(world.now).toISOString();
    const id = inPlace?.id ?? randomUUID();
    const startsAt =
      inPlace?.startsAt ?? new Date(Math.max(Date.parse(wanted.startsAt), world.now)).toISOString();
    if (!world.deaf) world.silences.set(id, { ...wanted, id, startsAt });
    return { body: { silenceID: id } };
  };
  const server = await startJsonServer(({ method, path, body }: Call) => {
    if (world.outage) return { status: world.outage, body: "out of order" };
    if (method === "GET" && path === "/api/v2/silences")
      return {
        body: [...world.silences.values()].map((s) => ({ ...s, status: { state: state(s) } })),
      };
    if (method === "POST" && path === "/api/v2/silences") return post(body as Stored);
    const stored = world.silences.get(path.replace("/api/v2/silence/", ""));
    if (method !== "DELETE" || !stored) return { status: 500, body: "silence not found" };
    if (!world.deaf) stored.endsAt = new Date(world.now).toISOString();
    return {};
  });
  return Object.assign(server, {
    world,
    live: () => [...world.silences.values()].filter((s) => state(s) !== "expired"),
  });
};

const monitorOf = ({ url }: { url: string }) =>
  alertmanager({
    url,
    hostLabel: "instance",
    send: (request) => send(request, { allow: ["127.0.0.0/8"], deny: [] }),
  });

const nothingBefore = { silenced: false };
const silence = {
  host: "cmp-01",
  key: "7f3c/cmp-01",
  from: at(0),
  until: at(2),
  comment: "host maintenance",
};

describe("a silence", () => {
  test("covers the host with and without a port and nothing that looks like it", async () => {
    await using server = await startAlertmanager();
    await monitorOf(server).silence({ ...silence, host: "cmp-01.a+b" });

    const [matcher] = server.live()[0]?.matchers ?? [];
    const covers = (value: string) => new RegExp(matcher?.value ?? "").test(value);
    expect(matcher).toMatchObject({ name: "instance", isRegex: true, isEqual: true });
    expect(covers("cmp-01.a+b")).toBe(true);
    expect(covers("cmp-01.a+b:9100")).toBe(true);
    for (const other of ["cmp-01xa+b", "cmp-01.aab", "cmp-01.a+b2", "xcmp-01.a+b", "cmp-01.a+b:x"])
      expect(covers(other)).toBe(false);
  });

  test("says who made it, why, and under which key", async () => {
    await using server = await startAlertmanager();
    await monitorOf(server).silence(silence);
    expect(server.live()).toMatchObject([
      { createdBy: "lull", comment: "host maintenance [lull 7f3c/cmp-01]", endsAt: at(2) },
    ]);
  });

  test("under the same key is one silence, however often it is asked for", async () => {
    await using server = await startAlertmanager();
    const monitor = monitorOf(server);
    await monitor.silence(silence);
    await monitor.silence(silence);
    expect(server.live()).toHaveLength(1);
  });

  test("is renewed in place", async () => {
    await using server = await startAlertmanager();
    const monitor = monitorOf(server);
    await monitor.silence(silence);
    const [first] = server.live();
    server.world.now += HOUR_MS;
    await monitor.silence({ ...silence, from: at(1), until: at(4) });
    expect(server.live()).toMatchObject([{ id: first?.id, endsAt: at(4) }]);
  });

  test("that ran out is made anew", async () => {
    await using server = await startAlertmanager();
    const monitor = monitorOf(server);
    await monitor.silence(silence);
    server.world.now += 3 * HOUR_MS;
    await monitor.silence({ ...silence, from: at(3), until: at(5) });
    expect(server.live()).toMatchObject([{ endsAt: at(5) }]);
  });

  test("that is taken but not shown is not in force", async () => {
    await using server = await startAlertmanager();
    server.world.deaf = true;
    await expect(monitorOf(server).silence(silence)).rejects.toMatchObject({
      name: "TransientError",
    });
  });

  test("that begins only later by Alertmanager's clock is not in force", async () => {
    await using server = await startAlertmanager();
    server.world.now -= HOUR_MS;
    await expect(monitorOf(server).silence(silence)).rejects.toThrow("is its clock behind?");
  });

  test("that ends in the past is refused for good", async () => {
    await using server = await startAlertmanager();
    await expect(monitorOf(server).silence({ ...silence, until: at(-1) })).rejects.toMatchObject({
      name: "MonitoringError",
    });
  });
});

describe("restoring", () => {
  test("ends every silence of the key and no other", async () => {
    await using server = await startAlertmanager();
    const monitor = monitorOf(server);
    await monitor.silence(silence);
    const [mine] = server.live();
    if (!mine) throw new Error("no silence was made");
    server.world.silences.set("twin", { ...mine, id: "twin" });
    server.world.silences.set("operator", { ...mine, id: "operator", createdBy: "kim" });
    await monitor.silence({ ...silence, host: "cmp-011", key: "7f3c/cmp-011" });

    await monitor.restore("cmp-01", silence.key, nothingBefore);

    expect(server.live().map(({ createdBy, comment }) => `${createdBy}: ${comment}`)).toEqual([
      "kim: host maintenance [lull 7f3c/cmp-01]",
      "lull: host maintenance [lull 7f3c/cmp-011]",
    ]);
  });

  test("what is not there is success", async () => {
    await using server = await startAlertmanager();
    await monitorOf(server).restore("cmp-01", silence.key, nothingBefore);
    expect(server.calls.map(({ method }) => method)).not.toContain("DELETE");
  });

  test("is not done while the silence still shows", async () => {
    await using server = await startAlertmanager();
    const monitor = monitorOf(server);
    await monitor.silence(silence);
    server.world.deaf = true;
    await expect(monitor.restore("cmp-01", silence.key, nothingBefore)).rejects.toMatchObject({
      name: "TransientError",
    });
  });
});

test.each([
  [503, "TransientError"],
  [429, "TransientError"],
  [403, "MonitoringError"],
  [302, "MonitoringError"],
])("HTTP %i is a %s", async (status, name) => {
  await using server = await startAlertmanager();
  server.world.outage = status;
  await expect(monitorOf(server).silence(silence)).rejects.toMatchObject({ name });
});

test("an Alertmanager that does not listen may do so later", async () => {
  const server = await startAlertmanager();
  await server[Symbol.asyncDispose]();
  await expect(monitorOf(server).silence(silence)).rejects.toMatchObject({
    name: "TransientError",
  });
});

test("an Alertmanager in a closed network is the operator's to open", async () => {
  const monitor = alertmanager({
    url: "http://127.0.0.1:9093",
    hostLabel: "instance",
    send: (request) => send(request, { allow: [], deny: [] }),
  });
  await expect(monitor.silence(silence)).rejects.toMatchObject({ name: "MonitoringError" });
});
