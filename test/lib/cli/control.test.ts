import { describe, expect, test } from "vitest";
import { hostRun, instance, problem, SESSION, session, startApi } from "../client/fake-api.ts";
import { lullHere } from "./lull.ts";

const at = "2026-11-22T10:00:00Z";
const halfway = session(
  "PLANNED_MAINTENANCE",
  [
    hostRun("cmp-01", {
      phase: "MOVING",
      instances_left: 4,
      disabled: true,
      started_at: at,
    }),
    hostRun("cmp-02", { phase: "FINISHED", outcome: "failed", instances_left: 0, disabled: true }),
    hostRun("cmp-03"),
  ],
  {
    control: "paused",
    holds: [{ code: "operator", by: "kim", at, reason: "storm" }],
    instances: [
      instance("vm-1", { state: "moved", destination_host: "cmp-09" }),
      instance("vm-2", { state: "moving", destination_host: "cmp-09" }),
    ],
  },
);

const world = async () => {
  const server = await startApi();
  server.world.looks = [halfway];
  const run = (...args: string[]) => lullHere([...args, "--endpoint", server.url]);
  const bodyOf = (call: string) =>
    server.calls.find(({ method, path }) => `${method} ${path}` === call)?.body;
  return Object.assign(server, { run, bodyOf });
};

const session_ = `/v1/maintenance/${SESSION}`;

describe("lull maintenance pause", () => {
  test("acts at once, says what stays changed in the cloud and how to undo it", async () => {
    await using cloud = await world();
    const { code, out } = await cloud.run("maintenance", "pause", "7f3c", "--reason", "storm");
    expect(code).toBe(0);
    expect(cloud.bodyOf(`POST ${session_}/pause`)).toEqual({ reason: "storm" });
    expect(out.split("\n").slice(1)).toEqual([
      "stays changed: cmp-01 stays disabled: MOVING, moved 3/7",
      "stays changed: cmp-02 stays disabled: FINISHED (failed), moved 7/7",
      "stays changed: 1 move under way: seen to their end",
      "stays changed: 1 instance moved already: they stay where they are",
      `undo: lull maintenance resume ${SESSION}`,
    ]);
  });

  test("as JSON is what the API said", async () => {
    await using cloud = await world();
    const args = ["maintenance", "pause", SESSION, "--reason", "storm", "-f", "json"];
    const { out } = await cloud.run(...args);
    expect(JSON.parse(out)).toMatchObject({ session_id: SESSION, control: "paused" });
  });

  test("of a session that is over is refused in the API's words", async () => {
    await using cloud = await world();
    cloud.world.fault = ({ method }) =>
      method === "POST" ? problem(409, "conflict", "the session is over") : undefined;
    const { code, err } = await cloud.run("maintenance", "pause", SESSION, "--reason", "storm");
    expect(code).toBe(1);
    expect(err).toContain("error: the session is over (conflict, HTTP 409)");
  });
});

describe("what starts something asks first, with hosts and instances", () => {
  test.each([
    [
      ["maintenance", "resume", "7f3c"],
      `Resume session ${SESSION}, PLANNED_MAINTENANCE, 3 hosts, 21 instances: 1 moving 1 failed 1 waiting; paused by kim: storm?`,
    ],
    [
      ["maintenance", "abort", "7f3c", "--reason", "wrong rack"],
      `Abort session ${SESSION}, PLANNED_MAINTENANCE, 3 hosts, 21 instances: 1 moving 1 failed 1 waiting?`,
    ],
    [
      ["maintenance", "retry", "7f3c", "cmp-02"],
      "Begin cmp-02 anew, FINISHED (failed), 0 of 7 instances on it?",
    ],
    [
      ["maintenance", "retry", "7f3c", "cmp-01"],
      "Try the moves off cmp-01 anew, MOVING, 4 of 7 instances on it?",
    ],
    [["maintenance", "release", "7f3c", "cmp-02"], "Is the work on cmp-02 done (FINISHED (failed)"],
    [
      ["maintenance", "override", "7f3c", "alpha", "--reason", "agreed by phone"],
      "without the word of project alpha?",
    ],
    [["host", "maintenance", "set", "cmp-01", "--reason", "DIMM"], "Empty 1 host (cmp-01, enabled"],
    [["host", "maintenance", "unset", "cmp-01"], "End the maintenance of cmp-01"],
  ])("%s", async (args, question) => {
    await using cloud = await world();
    const { code, err } = await cloud.run(...args);
    expect(code).toBe(2);
    expect(err).toContain(question);
    expect(cloud.calls.every(({ method }) => method === "GET")).toBe(true);
  });
});

describe("with --yes", () => {
  test("resume goes on and passes the reason on", async () => {
    await using cloud = await world();
    const args = ["maintenance", "resume", SESSION, "--reason", "over", "--yes"];
    expect((await cloud.run(...args)).out).toContain(`session ${SESSION} goes on`);
    expect(cloud.bodyOf(`POST ${session_}/resume`)).toEqual({ reason: "over" });
  });

  test("abort says what the API says stays changed", async () => {
    await using cloud = await world();
    const args = ["maintenance", "abort", SESSION, "--reason", "wrong rack", "--yes"];
    const { out } = await cloud.run(...args);
    expect(out).toContain("stays changed: 7 instances stay where they are");
    expect(cloud.bodyOf(`POST ${session_}/abort`)).toEqual({ reason: "wrong rack" });
  });

  test("release and retry are told to the host's own routes", async () => {
    await using cloud = await world();
    expect(await cloud.run("maintenance", "release", SESSION, "cmp-01", "--yes")).toMatchObject({
      code: 0,
    });
    expect(await cloud.run("maintenance", "retry", SESSION, "cmp-01", "--yes")).toMatchObject({
      code: 0,
    });
    expect(cloud.asked().filter((call) => call.startsWith("POST"))).toEqual([
      `POST ${session_}/hosts/cmp-01/release`,
      `POST ${session_}/hosts/cmp-01/retry`,
    ]);
  });

  test("override is told with its reason", async () => {
    await using cloud = await world();
    const args = ["maintenance", "override", SESSION, "alpha", "--reason", "by phone", "--yes"];
    expect((await cloud.run(...args)).out).toContain("instances of project alpha are moved live");
    expect(cloud.bodyOf(`POST ${session_}/projects/alpha/override`)).toEqual({
      reason: "by phone",
    });
  });

  test("a host that the session does not have is named before anything is asked", async () => {
    await using cloud = await world();
    const { code, err } = await cloud.run("maintenance", "retry", SESSION, "cmp-1", "--yes");
    expect(code).toBe(1);
    expect(err).toContain("has no host cmp-1; did you mean cmp-01?");
  });

  test("a host set by hand is told with why, for how long and what may be done", async () => {
    await using cloud = await world();
    const { out } = await cloud.run(
      ...["host", "maintenance", "set", "cmp-01", "--reason", "DIMM", "--ttl", "90", "--yes"],
      ...["--policy", "locked=move", "--accept-duties"],
    );
    expect(cloud.bodyOf("PUT /v1/hosts/cmp-01/maintenance")).toEqual({
      reason: "DIMM",
      ttl_minutes: 90,
      accept_duties: true,
      policies: { locked: "move" },
    });
    expect(out).toContain("undo: lull host maintenance unset cmp-01");
    expect(out).toContain(`watch it: lull maintenance watch ${SESSION}`);
  });
});

describe("lull host label", () => {
  test("sets and removes labels on top of those that are there", async () => {
    await using cloud = await world();
    Object.assign(cloud.world.hosts[0] ?? {}, { labels: { rack: "r1", row: "a" } });
    await cloud.run("host", "label", "cmp-01", "rack=r7", "row-", "--storage", "local");
    expect(cloud.bodyOf("PATCH /v1/hosts/cmp-01")).toEqual({
      labels: { rack: "r7" },
      instance_storage: "local",
    });
  });

  test("does it again on what somebody else has changed meanwhile", async () => {
    await using cloud = await world();
    let refused = false;
    cloud.world.fault = ({ method }) => {
      if (method !== "PATCH" || refused) return undefined;
      refused = true;
      Object.assign(cloud.world.hosts[0] ?? {}, { labels: { row: "b" }, version: 2 });
      return problem(412, "precondition_failed", "the host has changed since");
    };
    await cloud.run("host", "label", "cmp-01", "rack=r7");
    expect(cloud.calls.at(-1)).toMatchObject({
      method: "PATCH",
      headers: { "if-match": '"host-2"' },
      body: { labels: { row: "b", rack: "r7" } },
    });
  });

  test("without a change shows them and changes nothing", async () => {
    await using cloud = await world();
    Object.assign(cloud.world.hosts[0] ?? {}, { labels: { rack: "r1" } });
    const { out } = await cloud.run("host", "label", "cmp-01");
    expect(out).toMatch(/^labels +\{"rack":"r1"\}$/m);
    expect(cloud.calls.every(({ method }) => method === "GET")).toBe(true);
  });
});

describe("lull freeze", () => {
  test("acts at once, says what it stops and how to undo it", async () => {
    await using cloud = await world();
    const { code, out } = await cloud.run("freeze", "--reason", "storage outage");
    expect(code).toBe(0);
    expect(cloud.bodyOf("PUT /v1/freeze")).toEqual({ reason: "storage outage" });
    expect(out).toContain("2 sessions, 6 hosts");
    expect(out).toContain("undo: lull thaw");
    expect(cloud.asked()[0]).toBe("PUT /v1/freeze");
  });

  test("status is for scripts, too", async () => {
    await using cloud = await world();
    expect((await cloud.run("freeze", "status", "-f", "value", "-c", "frozen")).out).toBe("false");
  });

  test("thaw leaves a cloud alone that is not frozen", async () => {
    await using cloud = await world();
    expect((await cloud.run("thaw", "--yes")).out).toBe("the cloud was not frozen");
    expect(cloud.asked()).toEqual(["GET /v1/freeze"]);
  });

  test("thaw asks first, with who froze it and why", async () => {
    await using cloud = await world();
    const frozen = { frozen: true, by: "kim", at, reason: "storm" };
    cloud.world.fault = ({ method, path }) =>
      method === "GET" && path === "/v1/freeze" ? { body: frozen } : undefined;
    const { code, err } = await cloud.run("thaw");
    expect(code).toBe(2);
    expect(err).toContain("Thaw the cloud, frozen by kim at 2026-11-22 10:00:00Z (storm)?");
    expect((await cloud.run("thaw", "--yes")).out).toContain("the cloud is thawed");
  });
});
