import { describe, expect, test } from "vitest";
import { hostRun, instance, problem, SESSION, session, startApi } from "../client/fake-api.ts";
import { lull } from "./lull.ts";

const moved = { instances_left: 0, started_at: "2026-11-22T10:00:00Z" };
const finished = (outcome: string) => ({
  ...moved,
  phase: "FINISHED",
  outcome,
  finished_at: "2026-11-22T10:04:10Z",
});
const waiting = session("MAINTENANCE", [hostRun("cmp-01"), hostRun("cmp-02")]);
const moving = session(
  "PLANNED_MAINTENANCE",
  [
    hostRun("cmp-01", { phase: "MOVING", instances_left: 4, started_at: "2026-11-22T10:00:00Z" }),
    hostRun("cmp-02"),
  ],
  {
    percent_done: 20,
    attention: [
      {
        code: "no_target",
        host: "cmp-01",
        instance: "vm-1",
        since: "2026-11-22T10:01:00Z",
        message: "16 GiB fit nowhere",
        what_happens_next: "tried again in 60 s",
      },
    ],
  },
);
const over = (state: string, ...outcomes: string[]) =>
  session(
    state,
    outcomes.map((outcome, index) => hostRun(`cmp-0${index + 1}`, finished(outcome))),
    { percent_done: 100 },
  );
const done = over("MAINTENANCE_DONE", "maintained", "maintained");

const create = (url: string, ...args: string[]) => [
  ...["maintenance", "create", "--endpoint", url, "--interval", "0.05"],
  ...args,
];
const posted = (server: Awaited<ReturnType<typeof startApi>>) =>
  server.calls.find(({ method }) => method === "POST")?.body;

describe("lull maintenance create", () => {
  test("says how many hosts and instances it is about", async () => {
    await using server = await startApi();
    server.world.looks = [waiting];
    const { code, out } = await lull(
      create(server.url, "--host", "cmp-01", "--host", "cmp-02", "--yes"),
    );
    expect(code).toBe(0);
    expect(out).toBe(`session ${SESSION}: 2 hosts, 14 instances, begins 2026-11-22 10:00:00Z\n`);
  });

  test("sends what was asked for and nothing else", async () => {
    await using server = await startApi();
    server.world.looks = [waiting];
    await lull(
      create(
        server.url,
        ...["--host", "cmp-02,cmp-01", "--host", "cmp-01", "--at", "2026-03-01T07:00:00+01:00"],
        ...["--ends-at", "2026-03-01T10:00Z", "--max-parallel", "2", "--target", "cmp-03"],
        ...["--metadata", "version=8=1", "--reason", "replace DIMM", "--yes"],
        ...["--action", "webhook:url=https://work.example/hook?a,b=c:d,ttl_s=3600"],
        ...["--action", "hold"],
      ),
    );
    expect(posted(server)).toEqual({
      hosts: ["cmp-02", "cmp-01"],
      maintenance_at: "2026-03-01T06:00:00.000Z",
      ends_at: "2026-03-01T10:00:00.000Z",
      max_parallel_hosts: 2,
      targets: ["cmp-03"],
      metadata: { version: "8=1" },
      reason: "replace DIMM",
      actions: [
        {
          plugin: "webhook",
          metadata: { url: "https://work.example/hook?a", b: "c:d", ttl_s: 3600 },
        },
        { plugin: "hold", metadata: {} },
      ],
    });
  });

  test("sends brakes, windows and policies as they are given, and leaves the others to the profile", async () => {
    await using server = await startApi();
    server.world.looks = [waiting];
    await lull(
      create(
        server.url,
        ...["--host", "cmp-01", "--no-canary", "--soak", "0", "--reserve", "2", "--yes"],
        ...["--cordon-ahead", "1", "--per", "zone=1", "--per", "rack=2", "--host-minutes", "40"],
        ...["--window", "2026-03-02T01:00Z/+4h", "--accept-duties", "--retire", "--force-complete"],
        ...["--policy", "shutoff=stay", "--policy", "locked=move", "--profile", "doctor"],
      ),
    );
    expect(posted(server)).toEqual({
      hosts: ["cmp-01"],
      metadata: {},
      actions: [],
      targets: [],
      canary: false,
      soak_minutes: 0,
      reserve_hosts: 2,
      cordon_ahead: 1,
      max_parallel_per: { zone: 1, rack: 2 },
      host_minutes: 40,
      next_windows: [
        { starts_at: "2026-03-02T01:00:00.000Z", ends_at: "2026-03-02T05:00:00.000Z" },
      ],
      accept_duties: true,
      retire: true,
      force_complete: true,
      policies: { shutoff: "stay", locked: "move" },
      profile: "doctor",
    });
  });

  test("sends how owners are asked, in the API's own types", async () => {
    await using server = await startApi();
    server.world.looks = [waiting];
    await lull(
      create(
        server.url,
        ...["--host", "cmp-01", "--workflow", "vnf", "--emergency", "the rack is on fire", "--yes"],
        ...["--dialogue", "allowed_actions=live_migrate,OWN_ACTION", "--dialogue", "silent=skip"],
        ...["--dialogue", "reply_seconds=300", "--dialogue", "scale_in=no"],
        ...["--dialogue", "refused=stop"],
      ),
    );
    expect(posted(server)).toMatchObject({
      workflow: "vnf",
      emergency: "the rack is on fire",
      dialogue: {
        allowed_actions: ["LIVE_MIGRATE", "OWN_ACTION"],
        silent: "skip",
        reply_seconds: 300,
        scale_in: false,
        refused: "stop",
      },
    });
  });

  test("knows two styles of the dialogue", async () => {
    await using server = await startApi();
    const { code, err } = await lull(create(server.url, "--host", "cmp-01", "--workflow", "nfv"));
    expect(code).toBe(2);
    expect(err).toContain('--workflow is one of default, vnf, not "nfv"');
  });

  test.each([
    ["silen=skip", "there is no rule silen; did you mean silent?"],
    ["silent=slip", 'silent is one of live, skip, not "slip"; did you mean skip?'],
    ["reply_seconds=2m", "reply_seconds is a whole number from 1 to 86400"],
    ["scale_in=perhaps", "scale_in is one of yes, no"],
    ["allowed_actions=MIGRATE,STOP", "allowed_actions is one of MIGRATE, LIVE_MIGRATE, OWN_ACTION"],
    ["silent", "is not KEY=VALUE"],
  ])("does not take %s for a rule of the dialogue", async (rule, words) => {
    await using server = await startApi();
    const { code, err } = await lull(
      create(server.url, "--host", "cmp-01", "--dialogue", rule, "--yes"),
    );
    expect(code).toBe(2);
    expect(err).toContain(words);
    expect(server.calls).toEqual([]);
  });

  test("asks before hosts go for good in other words than before they come back", async () => {
    await using server = await startApi();
    const { err } = await lull(create(server.url, "--host", "cmp-01", "--retire"));
    expect(err).toContain("Retire 1 host (cmp-01) now, for good: their services are deleted?");
  });

  test("takes hosts from standard input", async () => {
    await using server = await startApi();
    server.world.looks = [waiting];
    await lull(create(server.url, "--hosts-file", "-", "--yes"), {
      input: "# rack 7\ncmp-01\n\n  cmp-02  # the loud one\n",
    });
    expect(posted(server)).toMatchObject({ hosts: ["cmp-01", "cmp-02"] });
  });

  test("takes an empty list for a mistake, not for the whole cloud", async () => {
    await using server = await startApi();
    const { code, err } = await lull(create(server.url, "--hosts-file", "-", "--yes"), {
      input: "# nothing\n",
    });
    expect(code).toBe(2);
    expect(err).toContain("names no host");
    expect(server.calls).toEqual([]);
  });

  test("takes what only the API knows to be wrong for a wrong command line, too", async () => {
    await using server = await startApi();
    server.world.fault = () => problem(400, "invalid", "some fields are wrong");
    const { code } = await lull(create(server.url, "--host", "cmp-01", "--profile", "x", "--yes"));
    expect(code).toBe(2);
  });

  test("asks before it acts, so without anybody to ask it needs --yes", async () => {
    await using server = await startApi();
    const { code, err } = await lull(create(server.url, "--host", "cmp-01"));
    expect(code).toBe(2);
    expect(err).toMatch(/Maintain 1 host \(cmp-01\) now.*add --yes/);
    expect(posted(server)).toBeUndefined();
  });

  test("names a host that is not in the inventory, and the one that was meant", async () => {
    await using server = await startApi();
    const { code, err } = await lull(create(server.url, "--host", "cpm-01", "--yes"));
    expect(code).toBe(3);
    expect(err).toContain("no host cpm-01 in the inventory; did you mean cmp-01?");
    expect(posted(server)).toBeUndefined();
  });

  test("what the inventory forbids ends with 3 and names everything in the way", async () => {
    await using server = await startApi();
    server.world.fault = ({ method }) =>
      method === "POST"
        ? problem(422, "invalid", "this session could not be carried out", [
            { path: "hosts.0", code: "host_ironic", message: "cmp-01 is a bare-metal node" },
            { path: "targets.0", code: "target_down", message: "nova-compute on cmp-03 is down" },
          ])
        : undefined;
    const { code, out, err } = await lull(create(server.url, "--host", "cmp-01", "--yes"));
    expect({ code, out }).toEqual({ code: 3, out: "" });
    expect(err).toContain("  hosts.0: cmp-01 is a bare-metal node [host_ironic]");
    expect(err).toContain("  targets.0: nova-compute on cmp-03 is down [target_down]");
  });

  test.each([
    ["every host was maintained", done, 0],
    ["some were and some were not", over("MAINTENANCE_FAILED", "maintained", "failed"), 4],
    ["none was", over("MAINTENANCE_FAILED", "restored", "failed"), 1],
  ])("with --wait ends as the session does: %s", async (_what, last, expected) => {
    await using server = await startApi();
    server.world.looks = [waiting, moving, last];
    const { code, err } = await lull(create(server.url, "--host", "cmp-01", "--yes", "--wait"));
    expect(code).toBe(expected);
    expect(err).toContain("of 2 hosts maintained");
  });

  test("with --wait ends with 3 when pre-flight stops the session, and names why", async () => {
    await using server = await startApi();
    const inTheWay = {
      code: "preflight_blocked",
      host: "cmp-01",
      instance: "vm-1",
      since: "2026-11-22T10:00:00Z",
      message: "hard_affinity: web cannot leave its group",
      what_happens_next: "the session ends without touching anything",
    };
    const untouched = [hostRun("cmp-01"), hostRun("cmp-02")];
    server.world.looks = [
      waiting,
      session("MAINTENANCE_FAILED", untouched, { attention: [inTheWay] }),
    ];
    const { code, out, err } = await lull(
      create(server.url, "--host", "cmp-01", "--yes", "--wait"),
    );
    expect(code).toBe(3);
    expect(out).toContain("attention cmp-01 / vm-1: hard_affinity: web cannot leave its group");
    expect(err).toContain("blocked by pre-flight, nothing was changed");
  });

  test("does not count instances before anybody has", async () => {
    await using server = await startApi();
    const uncounted = { instances_total: 0, instances_left: 0 };
    server.world.looks = [session("MAINTENANCE", [hostRun("cmp-01", uncounted)])];
    const { out } = await lull(create(server.url, "--host", "cmp-01", "--yes"));
    expect(out).toContain("1 host, instances not counted yet");
  });

  test("ends with 3 when pre-flight stops the session, also without --wait", async () => {
    await using server = await startApi();
    const attention = [
      {
        code: "preflight_blocked",
        host: "cmp-01",
        instance: "vm-1",
        since: "2026-11-22T10:00:00Z",
        message: "locked: its owner, or an admin, unlocks it",
        what_happens_next: "the session ends",
      },
    ];
    server.world.looks = [session("MAINTENANCE_FAILED", [hostRun("cmp-01")], { attention })];

    const { code, err } = await lull(create(server.url, "--host", "cmp-01", "--yes"));

    expect(code).toBe(3);
    expect(err).toContain("blocked by pre-flight, nothing was changed");
  });

  test("as a value is the id, for scripts", async () => {
    await using server = await startApi();
    server.world.looks = [waiting];
    const { out } = await lull(create(server.url, "--host", "cmp-01", "--yes", "-f", "value"));
    expect(out).toBe(`${SESSION}\n`);
  });
});

describe("lull maintenance list and show", () => {
  test("lists every session", async () => {
    await using server = await startApi();
    const { out } = await lull(["maintenance", "list", "--endpoint", server.url]);
    expect(out).toMatch(new RegExp(`${SESSION}  PLANNED_MAINTENANCE  running +40% +3 +2026-11-22`));
  });

  test("shows what needs a person first, then hosts and instances", async () => {
    await using server = await startApi();
    server.world.looks = [
      {
        ...moving,
        instances: [instance("vm-1", { state: "blocked", details: "16 GiB fit nowhere" })],
      },
    ];
    const { out } = await lull(["maintenance", "show", "7f3c", "--endpoint", server.url]);
    const [first, second, third] = out.split("\n");
    expect(first).toMatch(/^session 7f3c0000 {2}PLANNED_MAINTENANCE {2}20% {2}1 moving 1 waiting/);
    expect(second).toMatch(/^instances down, paused or in ERROR by us: 0 \(read /);
    expect(third).toMatch(
      /^! cmp-01 \/ web: 16 GiB fit nowhere \[no_target\] {2}since 10:01Z \(.*\) {2}owner project p1 {2}next: tried again in 60 s {2}do: lull why cmp-01$/,
    );
    expect(out).toMatch(/^cmp-01 +MOVING +3\/7/m);
    expect(out).toMatch(/^vm-1 +web +blocked +cmp-01 +16 GiB fit nowhere$/m);
  });

  test("shows what has happened when asked", async () => {
    await using server = await startApi();
    server.world.looks = [moving];
    const { out } = await lull([
      "maintenance",
      "show",
      SESSION,
      "--events",
      "--endpoint",
      server.url,
    ]);
    expect(out).toContain("1  2026-11-22 10:00:00Z  maintenance.session  {}");
  });

  test.each([
    ["7f", 0, ""],
    ["99", 2, "no session has an id that begins"],
  ])("finds a session by how its id begins: %s", async (begin, expected, words) => {
    await using server = await startApi();
    server.world.looks = [moving];
    const { code, err } = await lull(["maintenance", "show", begin, "--endpoint", server.url]);
    expect(code).toBe(expected);
    expect(err).toContain(words);
  });
});

describe("lull maintenance delete", () => {
  test("says what stays changed", async () => {
    await using server = await startApi();
    server.world.looks = [moving];
    const { code, err } = await lull([
      ...["maintenance", "delete", SESSION, "--yes", "--endpoint", server.url],
    ]);
    expect(code).toBe(0);
    expect(err).toContain("is being aborted");
    expect(err).toContain("instances that have moved stay where they are");
    expect(server.asked().at(-1)).toBe(`DELETE /v1/maintenance/${SESSION}`);
  });

  test("hides a session that is over", async () => {
    await using server = await startApi();
    server.world.looks = [done];
    const { err } = await lull([
      ...["maintenance", "delete", SESSION, "--yes", "--endpoint", server.url],
    ]);
    expect(err).toContain("no longer listed");
  });

  test("does nothing without a yes", async () => {
    await using server = await startApi();
    server.world.looks = [moving];
    const { code } = await lull(["maintenance", "delete", SESSION, "--endpoint", server.url]);
    expect(code).toBe(2);
    expect(server.asked().some((call) => call.startsWith("DELETE"))).toBe(false);
  });
});

const watch = (url: string) => [
  ...["maintenance", "watch", SESSION, "--endpoint", url, "--interval", "0.05"],
];

describe("lull maintenance watch in a pipe", () => {
  test("prints each change once, in lines that grep finds", async () => {
    await using server = await startApi();
    server.world.looks = [waiting, moving, moving, moving, done];
    const { code, out } = await lull(watch(server.url));
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.replace(/^\S+Z /, ""))).toEqual([
      `session ${SESSION} MAINTENANCE 0%`,
      "host cmp-01 WAITING  moved 0/7",
      "host cmp-02 WAITING  moved 0/7",
      `session ${SESSION} PLANNED_MAINTENANCE 20%`,
      "attention cmp-01 / vm-1: 16 GiB fit nowhere [no_target]  since 10:01Z  owner admin  next: tried again in 60 s  do: lull why cmp-01",
      "host cmp-01 MOVING  moved 3/7",
      `session ${SESSION} MAINTENANCE_DONE 100%`,
      "host cmp-01 FINISHED (maintained)  moved 7/7",
      "host cmp-02 FINISHED (maintained)  moved 7/7",
      "settled cmp-01 / vm-1: 16 GiB fit nowhere [no_target]  since 10:01Z  owner admin",
      "",
    ]);
    expect(out).not.toContain("\u001b");
  });

  test("goes on when the API restarts, and says that it had not been there", async () => {
    await using server = await startApi();
    server.world.looks = [moving, done];
    let looks = 0;
    server.world.fault = () => {
      looks += 1;
      return looks >= 2 && looks <= 4 ? { status: 503, body: "restarting" } : undefined;
    };
    const { code, out } = await lull(watch(server.url));
    expect(code).toBe(0);
    expect(out).toMatch(/Z trouble restarting$/m);
  });

  test("ends when the session is not there", async () => {
    await using server = await startApi();
    server.world.fault = () => problem(404, "not_found", "no such session");
    expect(await lull(watch(server.url))).toMatchObject({ code: 1 });
  });

  test("is left by Ctrl-C, which leaves the session alone and says so", async () => {
    await using server = await startApi();
    server.world.looks = [moving];
    const { code, err } = await lull(watch(server.url), {
      onOutput: (text, child) => {
        if (text.includes("MOVING")) child.kill("SIGINT");
      },
    });
    expect(code).toBe(130);
    expect(err).toContain(`session ${SESSION} goes on without you`);
    expect(err).toContain(`lull maintenance pause ${SESSION}`);
    expect(server.calls.every(({ method }) => method === "GET")).toBe(true);
  });
});
