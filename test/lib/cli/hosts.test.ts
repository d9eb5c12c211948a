import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hostRecord, problem, startApi } from "../client/fake-api.ts";
import { startJsonServer } from "../json-server.ts";
import { lull } from "./lull.ts";

describe("lull host list", () => {
  test("is a table with a line per host of every page", async () => {
    await using server = await startApi();
    const { code, out } = await lull(["host", "list", "--endpoint", server.url]);
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.split(/ {2,}/)[0])).toEqual([
      "NAME",
      "cmp-01",
      "cmp-02",
      "cmp-03",
      "",
    ]);
    expect(out).toMatch(/cmp-01 +RegionOne +az1 +enabled +up/);
  });

  test("prints chosen columns as values, in the order chosen", async () => {
    await using server = await startApi();
    const { out } = await lull(["host", "list", "-f", "value", "-c", "state,name"], {
      env: { LULL_ENDPOINT: server.url },
    });
    expect(out).toBe("up cmp-01\nup cmp-02\nup cmp-03\n");
  });

  test("as JSON is what the API said", async () => {
    await using server = await startApi();
    const { out } = await lull(["host", "list", "-f", "json", "--endpoint", server.url]);
    expect(JSON.parse(out)).toEqual(server.world.hosts);
  });

  test("as JSON with columns is those columns", async () => {
    await using server = await startApi();
    const { out } = await lull([
      ...["host", "list", "--endpoint", server.url],
      ...["-f", "json", "-c", "name", "-c", "reason"],
    ]);
    expect(JSON.parse(out)[0]).toEqual({ name: "cmp-01", reason: null });
  });

  test("leaves out what is gone unless asked for all", async () => {
    await using server = await startApi();
    server.world.hosts.push(hostRecord("cmp-99", { gone: true }));
    const args = ["host", "list", "-f", "value", "-c", "name", "--endpoint", server.url];
    expect((await lull(args)).out).not.toContain("cmp-99");
    expect((await lull([...args, "--all"])).out).toContain("cmp-99");
  });

  test("lets nothing in a name steer the terminal", async () => {
    await using server = await startApi();
    server.world.hosts = [hostRecord("cmp\u001b[2J\u0007-01")];
    const { out } = await lull(["host", "list", "--endpoint", server.url]);
    expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });
});

describe("lull host show", () => {
  test("has a line per field", async () => {
    await using server = await startApi();
    const { out } = await lull(["host", "show", "cmp-02", "--endpoint", server.url]);
    expect(out).toMatch(/^name +cmp-02$/m);
    expect(out).toMatch(/^synced_at +2026-11-22 10:00:00Z$/m);
  });

  test("says times in UTC and in local time", async () => {
    await using server = await startApi();
    const { out } = await lull(["host", "show", "cmp-02", "--endpoint", server.url], {
      env: { TZ: "Asia/Kolkata" },
    });
    expect(out).toMatch(/^synced_at +2026-11-22 10:00:00Z \(15:30:00 GMT\+5:30\)$/m);
  });

  test("fails for a host that is not there", async () => {
    await using server = await startApi();
    const { code, out, err } = await lull(["host", "show", "cmp-98", "--endpoint", server.url]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("error: /v1/hosts/cmp-98 is not there (not_found, HTTP 404)");
  });
});

describe("lull host sync", () => {
  test("returns at once unless told to wait", async () => {
    await using server = await startApi();
    const { code, out } = await lull(["host", "sync", "-f", "json", "--endpoint", server.url]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ sync_id: "sync-1", state: "REQUESTED" });
  });

  test("waits until it is over", async () => {
    await using server = await startApi();
    const { code, out } = await lull(["host", "sync", "--wait", "--endpoint", server.url]);
    expect(code).toBe(0);
    expect(out).toMatch(/^state +DONE$/m);
  });

  test("fails when the sync does", async () => {
    await using server = await startApi();
    server.world.syncs = ["REQUESTED", "FAILED"];
    expect((await lull(["host", "sync", "--wait", "--endpoint", server.url])).code).toBe(1);
  });
});

describe("who one is", () => {
  test("comes from clouds.yaml by way of Keystone", async () => {
    await using server = await startApi();
    await using keystone = await startJsonServer(({ method, path }) =>
      method === "POST" && path === "/v3/auth/tokens"
        ? {
            status: 201,
            headers: { "x-subject-token": "valid" },
            body: {
              token: {
                issued_at: "2026-11-22T10:00:00.000000Z",
                expires_at: "2026-11-22T11:00:00.000000Z",
                user: { id: "u1", name: "kim" },
                catalog: [],
              },
            },
          }
        : { status: 404, body: {} },
    );
    const folder = await mkdtemp(join(tmpdir(), "lull-"));
    const file = join(folder, "clouds.yaml");
    await writeFile(
      file,
      `clouds: {lab: {auth: {auth_url: "${keystone.url}", username: kim, password: secret, project_name: ops, user_domain_name: Default, project_domain_name: Default}}}`,
    );
    try {
      const { code, err } = await lull(
        ["--os-cloud", "lab", "host", "list", "--endpoint", server.url],
        { env: { LULL_TOKEN: "", OS_CLIENT_CONFIG_FILE: file } },
      );
      expect({ code, err }).toEqual({ code: 0, err: "" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("is asked for where nothing says it", async () => {
    const { code, err } = await lull(["host", "list"], { env: { LULL_TOKEN: "" } });
    expect(code).toBe(1);
    expect(err).toContain("no clouds.yaml found");
    expect(err).toContain("and OS_AUTH_URL is not set");
  });

  test("is not looked for in OS_* where a cloud is named", async () => {
    const { code, err } = await lull(["host", "list", "--os-cloud", "nix"], {
      env: { LULL_TOKEN: "", OS_AUTH_URL: "http://127.0.0.1:9" },
    });
    expect(code).toBe(1);
    expect(err).toMatch(/no clouds.yaml found .* for cloud "nix"$/m);
  });

  test("is explained when the API does not accept it", async () => {
    await using server = await startApi();
    server.world.fault = () => problem(401, "unauthorized", "the token is not valid");
    const { code, err } = await lull(["host", "list", "--endpoint", server.url]);
    expect(code).toBe(1);
    expect(err).toContain("check LULL_TOKEN where it is set, else --os-cloud, OS_CLOUD or OS_*");
  });
});

test("an API that does not listen is said in words, without a stack", async () => {
  const server = await startApi();
  await server[Symbol.asyncDispose]();
  const { code, err } = await lull(["host", "list", "--endpoint", server.url]);
  expect(code).toBe(1);
  expect(err).toContain("ECONNREFUSED");
  expect(err).toContain("LULL_ENDPOINT");
  expect(err).not.toContain("    at ");
});
