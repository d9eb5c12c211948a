import { describe, expect, test } from "vitest";
import { ApiError } from "../../../lib/client/errors.ts";
import { freeze, thaw } from "../../../lib/client/freeze.ts";
import {
  getHost,
  listHosts,
  patchHost,
  setHostMaintenance,
  startSync,
  unsetHostMaintenance,
} from "../../../lib/client/hosts.ts";
import {
  abortMaintenance,
  createMaintenance,
  deleteMaintenance,
  getMaintenanceDetail,
  listMaintenance,
  pauseMaintenance,
  releaseHost,
  resumeMaintenance,
  retryHost,
} from "../../../lib/client/maintenance.ts";
import { type Api, collect } from "../../../lib/client/request.ts";
import type { Answer } from "../json-server.ts";
import { hostRecord, hostRun, problem, SESSION, session, startApi } from "./fake-api.ts";

const apiOf = ({ url }: { url: string }, over: Partial<Api> = {}): Api => ({
  endpoint: url,
  token: async () => "valid",
  ...over,
});
const body = { hosts: ["cmp-01"], maintenance_at: "2026-11-22T10:00:00Z" };

/** One answer after the other instead of the API's, then the API's. */
const inTurn = (...answers: Answer[]) => {
  const left = [...answers];
  return () => left.shift();
};

describe("a listing", () => {
  test("goes on to its last page", async () => {
    await using server = await startApi();
    const hosts = await collect(listHosts(apiOf(server)));
    expect(hosts.map(({ name }) => name)).toEqual(["cmp-01", "cmp-02", "cmp-03"]);
    expect(server.calls.map(({ query }) => query.get("cursor"))).toEqual([null, "2"]);
  });

  test("asks for no page that nobody reads", async () => {
    await using server = await startApi();
    for await (const { name } of listHosts(apiOf(server))) if (name === "cmp-01") break;
    expect(server.calls).toHaveLength(1);
  });

  test("of sessions follows the same cursor", async () => {
    await using server = await startApi();
    server.world.pageSize = 1;
    expect(await collect(listMaintenance(apiOf(server)))).toHaveLength(2);
  });
});

describe("what an older client does not know", () => {
  test("a new field is kept, a new state is a word like any other", async () => {
    await using server = await startApi();
    server.world.hosts = [
      hostRecord("cmp-01", {
        colour: "blue",
        service: { id: "s1", status: "resting", state: "up", disabled_reason: null },
      }),
    ];
    const host = await getHost(apiOf(server), "cmp-01");
    expect(host).toMatchObject({ colour: "blue", service: { status: "resting" } });
  });

  test("a page that is not the API's is named as such", async () => {
    await using server = await startApi();
    server.world.fault = () => ({ body: { hello: "I am another server" } });
    await expect(collect(listHosts(apiOf(server)))).rejects.toMatchObject({
      name: "ApiUnreachableError",
      message: expect.stringContaining("is the address right?"),
    });
  });
});

describe("a refusal", () => {
  test("carries code, status and every finding", async () => {
    await using server = await startApi();
    const findings = [
      { path: "cmp-01/vm-1", code: "hard_affinity", message: "vm-1 cannot leave its group" },
    ];
    server.world.fault = () => problem(422, "blocked", "1 instance cannot move", findings);
    const refused = createMaintenance(apiOf(server), body);
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    await expect(refused).rejects.toMatchObject({
      message: "1 instance cannot move",
      status: 422,
      code: "blocked",
      findings,
    });
  });

  test("by something in between is quoted", async () => {
    await using server = await startApi();
    server.world.fault = () => ({ status: 403, body: "<html>the proxy says no</html>" });
    await expect(getHost(apiOf(server), "cmp-01")).rejects.toMatchObject({
      status: 403,
      code: "unknown",
      message: expect.stringContaining("the proxy says no"),
    });
  });

  test("of a token is answered with a new one, once", async () => {
    await using server = await startApi();
    server.world.tokens = ["second"];
    const asked: (string | undefined)[] = [];
    const token = async (refused?: string) => {
      asked.push(refused);
      return refused ? "second" : "first";
    };
    expect((await getHost(apiOf(server, { token }), "cmp-01")).name).toBe("cmp-01");
    expect(asked).toEqual([undefined, "first"]);
  });

  test("of every token is final", async () => {
    await using server = await startApi();
    server.world.tokens = [];
    await expect(getHost(apiOf(server), "cmp-01")).rejects.toMatchObject({ status: 401 });
    expect(server.calls).toHaveLength(1);
  });
});

describe("trouble on the way", () => {
  test.each([
    ["a lost connection", { hangUp: true }],
    ["HTTP 503", { status: 503 }],
    ["HTTP 502 from a proxy", { status: 502, body: "<html>bad gateway</html>" }],
    ["HTTP 429", { status: 429 }],
  ])("%s: a read is tried again", async (_what, answer) => {
    await using server = await startApi();
    server.world.fault = inTurn(answer, answer);
    expect((await getHost(apiOf(server), "cmp-01")).name).toBe("cmp-01");
    expect(server.calls).toHaveLength(3);
  });

  test("that stays is told after three tries", async () => {
    await using server = await startApi();
    server.world.fault = () => ({ hangUp: true });
    await expect(getHost(apiOf(server), "cmp-01")).rejects.toMatchObject({
      name: "ApiUnreachableError",
    });
    expect(server.calls).toHaveLength(3);
  });

  test("makes no second session: a lost answer is asked for under the same key", async () => {
    await using server = await startApi();
    server.world.fault = inTurn({ hangUp: true });
    expect(await createMaintenance(apiOf(server), body)).toBe(SESSION);
    const keys = server.calls.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  test("two sessions have two keys", async () => {
    await using server = await startApi();
    await createMaintenance(apiOf(server), body);
    await createMaintenance(apiOf(server), body);
    expect(server.world.keys.size).toBe(2);
  });

  test.each([
    ["DELETE", (api: Api) => deleteMaintenance(api, SESSION)],
    ["a POST without a key", (api: Api) => startSync(api)],
    ["the retry of a host", (api: Api) => retryHost(api, SESSION, "cmp-01")],
    ["the release of a host", (api: Api) => releaseHost(api, SESSION, "cmp-01")],
    ["the change of a host", (api: Api) => patchHost(api, { name: "cmp-01", version: 1 }, {})],
    ["the end of a host's maintenance", (api: Api) => unsetHostMaintenance(api, "cmp-01")],
  ])("%s is not repeated", async (_what, act) => {
    await using server = await startApi();
    server.world.fault = () => ({ hangUp: true });
    await expect(act(apiOf(server))).rejects.toMatchObject({ name: "ApiUnreachableError" });
    expect(server.calls).toHaveLength(1);
  });

  test.each([
    ["a pause", (api: Api) => pauseMaintenance(api, SESSION, "storm")],
    ["a resume", (api: Api) => resumeMaintenance(api, SESSION)],
    ["an abort", (api: Api) => abortMaintenance(api, SESSION, "wrong hosts")],
    ["a freeze", (api: Api) => freeze(api, "storm")],
    ["a thaw", (api: Api) => thaw(api)],
    ["a host set by hand", (api: Api) => setHostMaintenance(api, "cmp-01", { reason: "DIMM" })],
  ])("%s, which is the same when made twice, is tried again", async (_what, act) => {
    await using server = await startApi();
    server.world.fault = inTurn({ hangUp: true });
    await act(apiOf(server));
    expect(server.calls).toHaveLength(2);
  });

  test("a redirect is not followed: the token stays here", async () => {
    await using elsewhere = await startApi();
    await using server = await startApi();
    const location = `${elsewhere.url}/v1/hosts/cmp-01`;
    server.world.fault = () => ({ status: 302, headers: { location } });
    await expect(getHost(apiOf(server), "cmp-01")).rejects.toMatchObject({
      name: "ApiUnreachableError",
    });
    expect(elsewhere.calls).toEqual([]);
  });
});

test("a name is one path segment, whatever is in it", async () => {
  await using server = await startApi();
  await expect(getHost(apiOf(server), "../maintenance?x")).rejects.toMatchObject({ status: 404 });
  expect(server.asked()).toEqual(["GET /v1/hosts/..%2Fmaintenance%3Fx"]);
});

test("a session's detail has its hosts and what needs a person", async () => {
  await using server = await startApi();
  server.world.looks = [session("PLANNED_MAINTENANCE", [hostRun("cmp-01", { phase: "MOVING" })])];
  const detail = await getMaintenanceDetail(apiOf(server), SESSION);
  expect(detail.hosts).toMatchObject([{ hostname: "cmp-01", phase: "MOVING" }]);
});

test("a host is changed on the version of it that was read", async () => {
  await using server = await startApi();
  const host = await getHost(apiOf(server), "cmp-01");
  const facts = { labels: { rack: "r1" } };
  expect((await patchHost(apiOf(server), host, facts)).version).toBe(2);
  expect(server.calls.at(-1)).toMatchObject({
    method: "PATCH",
    headers: { "if-match": '"host-1"' },
    body: facts,
  });
});

test("an abort is answered with what stays changed", async () => {
  await using server = await startApi();
  expect(await abortMaintenance(apiOf(server), SESSION, "wrong hosts")).toMatchObject({
    control: "aborting",
    stays_changed: ["7 instances stay where they are"],
  });
});
