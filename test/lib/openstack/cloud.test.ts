import { describe, expect, it } from "vitest";
import * as z from "zod";
import { cloudConfigSchema, openCloud } from "../../../lib/openstack/cloud.ts";
import { call } from "../../../lib/openstack/http.ts";
import { type Asked, type Scripted, scriptedServer } from "./scripted-server.ts";

type Shape = {
  readonly regions?: readonly string[];
  readonly novaMaximum?: string;
  readonly lifetimeMs?: number;
};

/** A Keystone whose catalog names this very server for all else. */
const cloudServer = async (
  { regions = ["one"], novaMaximum = "2.93", lifetimeMs = 3_600_000 }: Shape = {},
  api: (asked: Asked) => Scripted = () => ({ status: 200, body: {} }),
) => {
  let url = "";
  let issued = 0;
  const server = await scriptedServer((asked) => {
    if (asked.path === "/v3/auth/tokens") {
      issued += 1;
      const endpoints = (type: string) =>
        regions.flatMap((region) =>
          ["public", "internal"].map((name) => ({
            interface: name,
            region,
            region_id: region,
            url: `${url}/${region}/${name}/${type}`,
          })),
        );
      return {
        status: 201,
        headers: { "x-subject-token": `token-${issued}` },
        body: {
          token: {
            user: { id: "u1", name: "lull" },
            project: { id: "p1", name: "admin" },
            roles: [{ name: "admin" }, { name: "member" }],
            application_credential: { id: "app-1", name: "engine", restricted: true },
            issued_at: "2026-01-01T00:00:00.000000Z",
            expires_at: new Date(Date.UTC(2026, 0, 1) + lifetimeMs).toISOString(),
            catalog: ["compute", "network"].map((type) => ({
              type,
              endpoints: endpoints(type === "compute" ? "v2.1" : type),
            })),
          },
        },
      };
    }
    if (asked.path.endsWith("/v2.1/"))
      return { status: 200, body: { version: { version: novaMaximum, min_version: "2.1" } } };
    return api(asked);
  });
  url = server.url;
  return server;
};

const password = { username: "admin", password: "secret", project_name: "admin" };
const open = (url: string, more: object = {}) =>
  openCloud(cloudConfigSchema.parse({ auth_url: url, ...password, ...more }));
const anything = z.unknown();

describe("a cloud", () => {
  it("asks for one token and one version however many calls there are at once", async () => {
    const server = await cloudServer();
    const { compute } = open(server.url);
    await Promise.all([1, 2, 3].map(() => call(compute, "/servers", anything)));
    const paths = server.asked.map((one) => one.path);
    expect(paths.filter((path) => path === "/v3/auth/tokens")).toHaveLength(1);
    expect(paths.filter((path) => path.endsWith("/v2.1/"))).toHaveLength(1);
  });

  it("uses the endpoint of its region and interface", async () => {
    const server = await cloudServer({ regions: ["one", "two"] });
    const { network } = open(server.url, { region_name: "two", interface: "internalURL" });
    await call(network, "/ports", anything);
    expect(server.asked.at(-1)?.path).toBe("/two/internal/network/v2.0/ports");
  });

  it("wants to be told its region when there are several", async () => {
    const server = await cloudServer({ regions: ["one", "two"] });
    await expect(call(open(server.url).compute, "/servers", anything)).rejects.toThrow(
      "regions one, two: set region_name",
    );
  });

  it("tells what it has, and for whom it is opened, with one token", async () => {
    const server = await cloudServer();
    const cloud = open(server.url);
    expect(await cloud.has("network")).toBe(true);
    expect(await cloud.has("block-storage")).toBe(false);
    expect(await cloud.addressOf("network")).toBe(`${server.url}/one/public/network`);
    expect(await cloud.addressOf("block-storage")).toBe(undefined);
    expect(await cloud.whoami()).toEqual({
      user: { id: "u1", name: "lull" },
      project: { id: "p1", name: "admin" },
      system: false,
      roles: ["admin", "member"],
      expires_at: "2026-01-01T01:00:00.000Z",
      application_credential_id: "app-1",
    });
    expect(server.asked).toHaveLength(1);
  });

  it("names a service that the catalog has not, and what it has", async () => {
    const server = await cloudServer();
    await expect(call(open(server.url).service("alarming"), "/x", anything)).rejects.toThrow(
      "no public endpoint of service alarming; it lists compute, network",
    );
  });

  it.each([
    ["2.93", "compute 2.93"],
    ["2.100", "compute 2.98"],
    ["2.73", "compute 2.73"],
  ])("with Nova up to %s speaks %s", async (novaMaximum, spoken) => {
    const server = await cloudServer({ novaMaximum });
    await call(open(server.url).compute, "/servers", anything);
    expect(server.asked.at(-1)?.headers["openstack-api-version"]).toBe(spoken);
  });

  it("too old for us is refused with its newest microversion, before any call", async () => {
    const server = await cloudServer({ novaMaximum: "2.9" });
    await expect(call(open(server.url).compute, "/servers", anything)).rejects.toMatchObject({
      name: "MicroversionError",
      maximum: "2.9",
    });
    expect(server.asked.some((one) => one.path.endsWith("/servers"))).toBe(false);
  });

  it("replaces a token that is about to expire", async () => {
    const server = await cloudServer({ lifetimeMs: 1_000 });
    const cloud = open(server.url);
    expect([await cloud.token(), await cloud.token()]).toEqual(["token-1", "token-2"]);
  });

  it("replaces a revoked token once for all who hold it", async () => {
    const server = await cloudServer({}, ({ headers }) =>
      headers["x-auth-token"] === "token-1" ? { status: 401 } : { status: 200, body: {} },
    );
    const { compute } = open(server.url);
    await Promise.all([1, 2, 3].map(() => call(compute, "/servers", anything)));
    expect(server.asked.filter((one) => one.path === "/v3/auth/tokens")).toHaveLength(2);
  });

  it("tells Keystone an application credential without a scope", async () => {
    const server = await cloudServer();
    const credential = { application_credential_id: "id", application_credential_secret: "s" };
    await openCloud(
      cloudConfigSchema.parse({ auth_url: `${server.url}/v3/`, ...credential }),
    ).token();
    expect(server.asked[0]?.body).toEqual({
      auth: {
        identity: {
          methods: ["application_credential"],
          application_credential: { id: "id", secret: "s" },
        },
      },
    });
  });

  it("says which credential is wrong", async () => {
    const server = await scriptedServer(() => ({
      status: 401,
      body: { error: { code: 401, message: "requires authentication", title: "Unauthorized" } },
    }));
    await expect(open(server.url).token()).rejects.toMatchObject({
      name: "OpenStackError",
      status: 401,
      message: expect.stringContaining("/v3/auth/tokens"),
    });
  });
});

describe("a cloud's configuration", () => {
  it.each([
    [{ auth_url: "http://k" }, "username"],
    [{ auth_url: "http://k", username: "a", password: "b" }, "one scope"],
    [{ auth_url: "http://k", ...password, system_scope: "all" }, "one scope"],
    [{ auth_url: "http://k", application_credential_id: "a" }, "application_credential_secret"],
    [{ auth_url: "nowhere", ...password }, "URL"],
    [{ auth_url: "http://k", ...password, cacert: "/etc/ssl/ca.pem" }, "BEGIN CERTIFICATE"],
    [{ auth_url: "http://k", ...password, paswort: "x" }, "paswort"],
  ])("%j is refused with a word about %s", (config, word) => {
    const parsed = cloudConfigSchema.safeParse(config);
    expect(parsed.error && z.prettifyError(parsed.error)).toContain(word);
  });
});
