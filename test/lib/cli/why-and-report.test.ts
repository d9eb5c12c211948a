import { describe, expect, test } from "vitest";
import type { SessionDetail } from "../../../lib/client/maintenance.ts";
import {
  hostRecord,
  hostRun,
  instance,
  problem,
  SESSION,
  session,
  startApi,
} from "../client/fake-api.ts";
import { lullHere } from "./lull.ts";

const now = Date.parse("2026-11-22T10:04:10Z");
const refusal = {
  host: "cmp-03",
  at: "2026-11-22T10:02:00Z",
  times: 2,
  why: "CPU doesn't have compatibility: vmx",
};
const stuck = session(
  "PLANNED_MAINTENANCE",
  [
    hostRun("cmp-01", {
      phase: "MOVING",
      instances_left: 4,
      started_at: "2026-11-22T10:00:00Z",
      phase_at: "2026-11-22T10:00:10Z",
      disabled: true,
    }),
    hostRun("cmp-02"),
  ],
  {
    instances: [
      instance("aaaa0000-1", {
        instance_name: "web",
        state: "blocked",
        tries: 2,
        started_at: "2026-11-22T10:01:00Z",
        refusals: [refusal],
        details: "no target takes it",
      }),
      instance("bbbb0000-2", {
        instance_name: "db",
        state: "moved",
        destination_host: "cmp-03",
        tries: 1,
        started_at: "2026-11-22T10:00:10Z",
        finished_at: "2026-11-22T10:01:20Z",
      }),
    ],
  },
);
const storm = { code: "operator", by: "kim", at: "2026-11-22T10:03:10Z", reason: "storm" };
const paused: SessionDetail = {
  ...stuck,
  control: "paused",
  holds: [storm],
  attention: [
    {
      code: "paused",
      host: null,
      instance: null,
      since: storm.at,
      message: "paused by kim: storm",
      what_happens_next: "nothing is begun until it is resumed",
    },
  ],
};

const world = async (detail: SessionDetail) => {
  const server = await startApi();
  server.world.looks = [detail];
  return Object.assign(server, {
    run: (...args: string[]) => lullHere([...args, "--endpoint", server.url], { now: () => now }),
  });
};

describe("lull why", () => {
  test("a host: where it stands, what holds it, what Nova said, and the one command", async () => {
    await using cloud = await world(stuck);
    const { code, out } = await cloud.run("why", "cmp-01");
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "host cmp-01: MOVING since 10:00Z (4m00s), moved 3/7",
      "session 7f3c0000 PLANNED_MAINTENANCE: replace DIMM",
      "service: enabled, up (synced 2026-11-22 10:00:00Z)",
      "holds it: cmp-01 / web: no target takes it [instance_blocked]  since 10:01Z (3m10s)  owner project p1",
      "instance web (aaaa0000-1) of project p1: blocked, cmp-01, 2 moves tried: no target takes it",
      "  refused by cmp-03, 2 times, last 10:02Z: CPU doesn't have compatibility: vmx",
      "next: it is tried again until the host's time is over: then the host is put back",
      "do: lull maintenance retry 7f3c0000 cmp-01",
    ]);
  });

  test("what stops the whole session comes before what stops the host", async () => {
    await using cloud = await world(paused);
    const { out } = await cloud.run("why", "cmp-01");
    expect(out).toContain("session 7f3c0000 PAUSED by kim 10:03Z (storm)");
    expect(out).toContain("holds it: session: paused by kim: storm [paused]");
    expect(out).toMatch(/^next: nothing is begun until it is resumed$/m);
    expect(out).toMatch(/^do: lull maintenance resume 7f3c0000$/m);
  });

  test("a host that waits for its turn: behind whom", async () => {
    await using cloud = await world(stuck);
    const { out } = await cloud.run("why", "cmp-02");
    expect(out).toContain("waits: 1 of 1 place taken by cmp-01");
    expect(out).toMatch(/^do: nothing to type$/m);
  });

  test.each(["web", "aaaa0000-1", "aaaa0000"])("an instance, by %s", async (name) => {
    await using cloud = await world(stuck);
    const { out } = await cloud.run("why", name);
    expect(out.split("\n")[0]).toContain("instance web (aaaa0000-1) of project p1: blocked");
    expect(out).toContain("host cmp-01: MOVING");
    expect(out).not.toContain("bbbb0000-2");
  });

  test("an instance that has left says whereto", async () => {
    await using cloud = await world(stuck);
    const { out } = await cloud.run("why", "db");
    expect(out.split("\n")[0]).toContain("moved, cmp-01 -> cmp-03, 1 move tried");
    expect(out).not.toContain("no target takes it");
  });

  test("a host outside of sessions: only what the inventory knows, and where it may come from", async () => {
    await using cloud = await world(stuck);
    cloud.world.hosts[2] = hostRecord("cmp-03", {
      service: { id: "s", status: "disabled", state: "up", disabled_reason: "lull:gone" },
    });
    const { code, out } = await cloud.run("why", "cmp-03");
    expect(code).toBe(0);
    expect(out).toContain("host cmp-03: in no session");
    expect(out).toContain('service: disabled, up, "lull:gone"');
    expect(out).toMatch(/^do: lull orphans$/m);
  });

  test("says so plainly when it knows nothing", async () => {
    await using cloud = await world(stuck);
    const { code, out, err } = await cloud.run("why", "cmp-77");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("Lull knows nothing of cmp-77");
  });

  test("asks the session that owns the host first", async () => {
    await using cloud = await world(stuck);
    cloud.world.hosts[0] = hostRecord("cmp-01", { session_id: SESSION });
    await cloud.run("why", "cmp-01");
    expect(cloud.asked()).toEqual([
      "GET /v1/hosts/cmp-01",
      `GET /v1/maintenance/${SESSION}/detail`,
    ]);
  });

  test("as JSON has all of it for scripts", async () => {
    await using cloud = await world(paused);
    const { out } = await cloud.run("why", "web", "-f", "json");
    expect(JSON.parse(out)).toMatchObject({
      kind: "instance",
      session_id: SESSION,
      instance: { refusals: [refusal] },
      holds: [{ code: "instance_blocked" }, { code: "paused", owner: "kim" }],
      command: "lull maintenance resume 7f3c0000",
    });
  });

  test("passes trouble of the API on", async () => {
    await using cloud = await world(stuck);
    cloud.world.fault = () => problem(403, "forbidden", "your role is not enough");
    expect(await cloud.run("why", "cmp-01")).toMatchObject({ code: 1 });
  });
});

const over: SessionDetail = {
  ...session("MAINTENANCE_FAILED", [
    hostRun("cmp-01", {
      phase: "FINISHED",
      outcome: "maintained",
      instances_left: 0,
      started_at: "2026-11-22T10:00:00Z",
      work_started_at: "2026-11-22T10:02:00Z",
      work_ended_at: "2026-11-22T10:32:00Z",
      finished_at: "2026-11-22T10:40:00Z",
      hypervisor_version: 8001000,
    }),
    hostRun("cmp-02", {
      phase: "FINISHED",
      outcome: "failed",
      disabled: true,
      started_at: "2026-11-22T10:40:00Z",
      finished_at: "2026-11-22T10:50:00Z",
      details: "MEMORY_MB 131072 -> 98304",
    }),
  ]),
  result: "partial",
  instances: stuck.instances,
};

describe("lull report", () => {
  const events = [
    { holds: [] },
    { holds: [storm], order: { what: "pause", host: null, by: "kim", reason: "storm" } },
    { holds: [storm], order: { what: "retry", host: "cmp-02", by: "kim", reason: "" } },
    { holds: [], order: { what: "resume", host: null, by: "lee", reason: "it is over" } },
    { holds: [{ code: "breaker", by: "lull", at: "2026-11-22T10:50:00Z", reason: "2 hosts" }] },
  ].map((detail, index) => ({
    type: "maintenance.session",
    at: `2026-11-22T10:0${index}:00Z`,
    sequence: index,
    detail,
  }));

  test("tells who, when, why, what became of hosts and instances, and what is left", async () => {
    await using cloud = await world(over);
    cloud.world.events = events;
    const { code, out } = await cloud.run("report", "7f3c");
    expect(code).toBe(0);
    expect(out).toContain(`session ${SESSION}: replace DIMM`);
    expect(out).toContain("MAINTENANCE_FAILED (partial), 1 of 2 hosts maintained, 1 failed");
    expect(out).toContain("2026-11-22 10:01:00Z paused by kim: storm");
    expect(out).toMatch(/^2026-11-22 10:02:00Z retried cmp-02 by kim$/m);
    expect(out).toContain("2026-11-22 10:03:00Z resumed by lee: it is over");
    expect(out).toContain("2026-11-22 10:50:00Z paused by breaker: 2 hosts");
    expect(out.match(/paused by kim/g)).toHaveLength(1);
    expect(out).toMatch(
      /^cmp-01 +maintained +2026-11-22 10:00:00Z +40m00s +30m00s +7 +8001000 -> 8002000$/m,
    );
    expect(out).toMatch(/^cmp-02 +failed +2026-11-22 10:40:00Z +10m00s +7 +8002000$/m);
    expect(out).toMatch(/^bbbb0000-2 +db +moved +cmp-01 +cmp-03 +1 +1m10s$/m);
    expect(out).toMatch(/^cmp-02: MEMORY_MB 131072 -> 98304$/m);
    expect(out).toMatch(/^cmp-01 \/ web: refused by cmp-03, 2x: CPU doesn't have/m);
    expect(out).toMatch(/^cmp-02 stays disabled: FINISHED \(failed\)/m);
  });

  test("as JSON has numbers and instants", async () => {
    await using cloud = await world(over);
    const { out } = await cloud.run("report", SESSION, "-f", "json");
    expect(JSON.parse(out)).toMatchObject({
      result: "partial",
      hosts: [
        { host: "cmp-01", seconds: 2400, work_seconds: 1800, version_before: 8001000 },
        { host: "cmp-02", outcome: "failed", work_seconds: null },
      ],
      instances: [{ instance_id: "aaaa0000-1" }, { seconds: 70, from: "cmp-01", to: "cmp-03" }],
    });
  });

  test("lets nothing that the cloud said steer the terminal", async () => {
    await using cloud = await world({
      ...over,
      instances: [instance("vm-1", { refusals: [{ ...refusal, why: "\u001b[2Jgone" }] })],
    });
    const { out } = await cloud.run("report", SESSION);
    expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });
});
