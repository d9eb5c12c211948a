import { describe, expect, onTestFinished, test } from "vitest";
import { connect } from "../../../lib/cli/connect.ts";
import { parseCommandLine } from "../../../lib/cli/options.ts";
import { processTerminal } from "../../../lib/cli/terminal.ts";
import { virtualClock } from "../../../localstack/clock.ts";
import { startSimulator } from "../../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../../localstack/openstack/spec.ts";
import { startJsonServer } from "../json-server.ts";
import { lullHere } from "./lull.ts";

const DEFAULT = "http://127.0.0.1:12347";
const LULL = "https://lull.example";

const envOf = (authUrl: string) => ({
  OS_AUTH_URL: authUrl,
  OS_USERNAME: "admin",
  OS_PASSWORD: "lab",
  OS_PROJECT_NAME: "admin",
});

/** The user of a cloud whose catalog has these addresses of Lull, by region. */
const userOf = async (maintenance_endpoints: Record<string, string>) => {
  const simulator = await startSimulator({
    clock: virtualClock(Date.UTC(2030, 0, 1)),
    cloud: { ...cloudOf({ hosts: 1, instances: 0 }), maintenance_endpoints },
  });
  onTestFinished(simulator.close);
  return envOf(simulator.authUrl);
};

/** To what the command connects, and what it says about that. */
const connected = async (env: Record<string, string>, argv: readonly string[] = []) => {
  const said: string[] = [];
  const terminal = { ...processTerminal(), env, err: (line: string) => said.push(line) };
  const { api, hint } = await connect(parseCommandLine(argv).values, terminal);
  return { endpoint: api.endpoint, hint, said };
};

/** Keystone and Lull in one, so that what both are asked has one order. */
const startKeystoneAndLull = () =>
  startJsonServer(({ path, headers }) =>
    path === "/v3/auth/tokens"
      ? {
          status: 201,
          headers: { "x-subject-token": "valid" },
          body: {
            token: {
              issued_at: "2026-11-22T10:00:00.000000Z",
              expires_at: "2026-11-22T11:00:00.000000Z",
              user: { id: "u1", name: "kim" },
              catalog: [
                {
                  type: "maintenance",
                  endpoints: [
                    { interface: "public", region: "RegionOne", url: `http://${headers.host}/v1/` },
                    { interface: "internal", region: "RegionOne", url: "http://10.0.0.1:12347" },
                  ],
                },
              ],
            },
          },
        }
      : { body: { frozen: false, by: null, at: null, reason: null } },
  );

describe("Lull's address", () => {
  test("comes out of the catalog that comes with the token, without a request of its own", async () => {
    await using server = await startKeystoneAndLull();
    const { code, err } = await lullHere(["freeze", "status"], { env: envOf(server.url) });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(server.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /v3/auth/tokens",
      "GET /v1/freeze",
    ]);
  });

  test("is that of the user's interface, with a warning where a token could be read", async () => {
    await using server = await startKeystoneAndLull();
    const env = { ...envOf(server.url), OS_INTERFACE: "internal" };
    const { endpoint, said } = await connected(env);
    expect(endpoint).toBe("http://10.0.0.1:12347");
    expect(said).toEqual([
      "warning: http://10.0.0.1:12347 is not https, so your token can be read on the way",
    ]);
  });

  test("is that of the user's region", async () => {
    const env = await userOf({ RegionOne: "https://one.example", RegionTwo: `${LULL}/v1` });
    const { endpoint, said } = await connected({ ...env, OS_REGION_NAME: "RegionTwo" });
    expect({ endpoint, said }).toEqual({ endpoint: LULL, said: [] });
  });

  test("is not guessed among the regions", async () => {
    const env = await userOf({ RegionOne: "https://one.example", RegionTwo: LULL });
    const { code, err } = await lullHere(["host", "list"], { env });
    expect(code).toBe(1);
    expect(err).toContain("regions RegionOne, RegionTwo: set region_name (OS_REGION_NAME)");
  });

  test.each([
    ["the catalog has none", {}],
    ["the catalog has another region's", { RegionTwo: LULL }],
  ])("is on this machine where %s, and that is told", async (_what, endpoints) => {
    const env = { ...(await userOf(endpoints)), OS_REGION_NAME: "RegionOne" };
    const { endpoint, hint } = await connected(env);
    expect(endpoint).toBe(DEFAULT);
    expect(hint).toContain("the catalog has no service of type maintenance in your region");
    expect(hint).toContain("--endpoint or LULL_ENDPOINT names another place");
  });

  test("is refused where the catalog has a thing that is none", async () => {
    const env = await userOf({ RegionOne: "lull.example:443" });
    const { code, err } = await lullHere(["host", "list"], { env });
    expect(code).toBe(1);
    expect(err).toContain('the catalog has "lull.example:443" for service maintenance');
  });

  test("is what was given, whatever the catalog has: nobody asks it", async () => {
    await using keystone = await startKeystoneAndLull();
    const env = { ...envOf(keystone.url), LULL_ENDPOINT: "https://variable.example" };
    expect((await connected(env)).endpoint).toBe("https://variable.example");
    const { endpoint } = await connected(env, ["--endpoint", "https://option.example"]);
    expect(endpoint).toBe("https://option.example");
    expect(keystone.calls).toEqual([]);
  });

  test("is never asked of Keystone by who holds LULL_TOKEN", async () => {
    await using keystone = await startKeystoneAndLull();
    const env = { ...envOf(keystone.url), LULL_TOKEN: "break-glass" };
    const { endpoint, hint } = await connected(env);
    expect(endpoint).toBe(DEFAULT);
    expect(hint).toContain("with LULL_TOKEN the catalog is not asked");
    expect((await connected({ ...env, LULL_ENDPOINT: LULL })).endpoint).toBe(LULL);
    expect(keystone.calls).toEqual([]);
  });

  test("is explained when nothing answers there", async () => {
    const server = await startJsonServer(() => ({}));
    await server[Symbol.asyncDispose]();
    const env = await userOf({ RegionOne: server.url });
    const { code, err } = await lullHere(["host", "list"], { env });
    expect(code).toBe(1);
    expect(err.split("\n")).toEqual([
      expect.stringContaining(`error: GET ${server.url}/v1/hosts: connect ECONNREFUSED`),
      "The catalog names that address. Is Lull running there? --endpoint or LULL_ENDPOINT names another place.",
    ]);
  });
});
