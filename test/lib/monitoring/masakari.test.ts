import { describe, expect, test } from "vitest";
import { masakari } from "../../../lib/monitoring/masakari.ts";
import { httpTransport } from "../../../lib/openstack/transport.ts";
import { startJsonServer } from "../json-server.ts";

type Host = { uuid: string; name: string; on_maintenance: boolean; reserved: boolean };

/** Masakari with small pages, which it may be set to, and a switch for a recovery under way. */
const startMasakari = async (segments: Record<string, Record<string, boolean>>) => {
  const world = { recovering: false, deaf: false, pageSize: 2 };
  const hosts = new Map<string, Host[]>(
    Object.entries(segments).map(([segment, names]) => [
      segment,
      Object.entries(names).map(([name, on_maintenance]) => ({
        uuid: `uuid-of-${name}`,
        name,
        on_maintenance,
        reserved: false,
      })),
    ]),
  );
  const page = <T extends { uuid: string }>(all: T[], marker: string | null) => {
    const start = all.findIndex(({ uuid }) => uuid === marker) + 1;
    return all.slice(start, start + world.pageSize);
  };
  const server = await startJsonServer(({ method, path, query, body }) => {
    const [, top, segment = "", , uuid] = path.split("/");
    if (top !== "segments") return { status: 404, body: { itemNotFound: { message: path } } };
    const marker = query.get("marker");
    if (!segment)
      return {
        body: {
          segments: page(
            [...hosts.keys()].map((name) => ({ uuid: name })),
            marker,
          ),
        },
      };
    const inSegment = hosts.get(segment) ?? [];
    if (method === "GET") return { body: { hosts: page(inSegment, marker) } };
    if (world.recovering)
      return {
        status: 409,
        body: { conflictingRequest: { code: 409, message: `Host ${uuid} can't be updated` } },
      };
    const host = inSegment.find((one) => one.uuid === uuid);
    if (!host) return { status: 404, body: { itemNotFound: { message: "no host" } } };
    if (!world.deaf) Object.assign(host, (body as { host: Partial<Host> }).host);
    return { body: { host } };
  });
  const monitor = masakari({
    client: {
      service: "instance-ha",
      transport: httpTransport(),
      endpoint: async () => server.url,
      token: async () => "token",
      microversion: async () => undefined,
      timeoutMs: 5_000,
    },
  });
  const flags = () =>
    Object.fromEntries([...hosts.values()].flat().map((h) => [h.name, h.on_maintenance]));
  return Object.assign(server, { world, monitor, flags });
};

const silence = (host: string) => ({
  host,
  key: `7f3c/${host}`,
  from: "2026-11-22T10:00:00Z",
  until: "2026-11-22T12:00:00Z",
  comment: "host maintenance",
});
const fleet = {
  "segment-1": { "cmp-01": false, "cmp-02": false, "cmp-03": false },
  "segment-2": {},
  "segment-3": { "cmp-04": false, "cmp-05": true },
};

describe("a host that Masakari knows", () => {
  test.each(["cmp-01", "cmp-03", "cmp-04"])("%s is found on whichever page it is", async (host) => {
    await using server = await startMasakari(fleet);
    await server.monitor.silence(silence(host));
    expect(server.flags()).toEqual({
      "cmp-01": false,
      "cmp-02": false,
      "cmp-03": false,
      "cmp-04": false,
      "cmp-05": true,
      [host]: true,
    });
  });

  test("is marked once, however often it is silenced", async () => {
    await using server = await startMasakari(fleet);
    await server.monitor.silence(silence("cmp-01"));
    await server.monitor.silence(silence("cmp-01"));
    expect(server.calls.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  test("gets its self-healing back", async () => {
    await using server = await startMasakari(fleet);
    const prior = await server.monitor.prior("cmp-01");
    await server.monitor.silence(silence("cmp-01"));
    await server.monitor.restore("cmp-01", "7f3c/cmp-01", prior);
    expect(server.flags()["cmp-01"]).toBe(false);
  });

  test("stays on maintenance where somebody had put it there before us", async () => {
    await using server = await startMasakari(fleet);
    const prior = await server.monitor.prior("cmp-05");
    await server.monitor.silence(silence("cmp-05"));
    await server.monitor.restore("cmp-05", "7f3c/cmp-05", prior);
    expect(server.flags()["cmp-05"]).toBe(true);
  });

  test("cannot be touched while its segment recovers, but later", async () => {
    await using server = await startMasakari(fleet);
    server.world.recovering = true;
    await expect(server.monitor.silence(silence("cmp-01"))).rejects.toMatchObject({
      name: "TransientError",
      message: expect.stringContaining("can't be updated"),
    });
    server.world.recovering = false;
    await server.monitor.silence(silence("cmp-01"));
    expect(server.flags()["cmp-01"]).toBe(true);
  });

  test("is not silenced as long as Masakari does not show it", async () => {
    await using server = await startMasakari(fleet);
    server.world.deaf = true;
    await expect(server.monitor.silence(silence("cmp-01"))).rejects.toMatchObject({
      name: "TransientError",
    });
  });
});

test("a host that Masakari does not know needs nothing", async () => {
  await using server = await startMasakari(fleet);
  expect(await server.monitor.prior("cmp-99")).toEqual({ silenced: false });
  await server.monitor.silence(silence("cmp-99"));
  await server.monitor.restore("cmp-99", "7f3c/cmp-99", { silenced: false });
  expect(server.calls.every(({ method }) => method === "GET")).toBe(true);
});

test("a Masakari that does not listen may do so later", async () => {
  const server = await startMasakari(fleet);
  await server[Symbol.asyncDispose]();
  await expect(server.monitor.silence(silence("cmp-01"))).rejects.toMatchObject({
    name: "TransientError",
  });
});
