import { expect, test } from "vitest";
import { getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import { getCurve, listOperations, type Operation } from "../../lib/client/plans.ts";
import { collect } from "../../lib/client/request.ts";
import { commandOf } from "./by-command.ts";
import { madePlan } from "./made-plan.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 4, instances: 8, spread: 0 }) });

const NO_BRAKES = { canary: false, soak_minutes: 0, reserve_hosts: 0 };

const isSame = ({ number, what, host, instance_id, to }: Operation) => ({
  number,
  what,
  host,
  instance_id,
  to,
});

test(
  "what a plan foresees a session then does, and the same list says of each operation that it was done",
  onStage(async (play) => {
    const { api, open, ended } = play;
    const body = { hosts: ["cmp-01"], ...NO_BRAKES };
    const { plan_id, ...plan } = await madePlan(play.api, body);
    expect(plan).toMatchObject({ status: "ready", error: null, session_id: null });
    for (const objective of ["fastest", "fewest_moves"])
      expect(plan.outcomes?.[objective]).toMatchObject({
        hosts_maintained: 1,
        hosts_blocked: 0,
        moves: 2,
        operations: 4,
      });
    const foreseen = await collect(listOperations(api, plan_id));
    expect(foreseen.map(({ what, host }) => `${what} ${host}`)).toEqual([
      "open cmp-01",
      "move cmp-01",
      "move cmp-01",
      "work cmp-01",
    ]);
    expect(foreseen.map(({ state }) => state)).toEqual(Array(4).fill(undefined));

    const sessionId = await open(body);
    const { detail } = await ended(sessionId);
    const done = await collect(listOperations(api, plan_id, { sessionId }));
    expect(done.map(isSame)).toEqual(foreseen.map(isSame));
    expect(done.map(({ state }) => state)).toEqual(Array(4).fill("SUCCEEDED"));
    expect(new Set(done.flatMap(({ went_to }) => went_to ?? []))).toEqual(
      new Set(detail.instances.map(({ destination_host }) => destination_host)),
    );
    // What was seen there counts from now on.
    expect(await madePlan(play.api, { ...body, hosts: ["cmp-02"] })).toMatchObject({
      durations: { moves: { observations: 2 }, work: { observations: 1 } },
    });
  }),
);

test(
  "a plan tells how much room is left and how many suffer at the worst, and when it should be over",
  onStage(async (play) => {
    const hosts = ["cmp-02", "cmp-03"];
    const plan = await madePlan(play.api, { hosts, max_parallel_hosts: 2, ...NO_BRAKES });
    const points = await getCurve(play.api, plan.plan_id, "fewest_moves");

    expect(Math.max(...points.map(({ hosts_out }) => hosts_out))).toBe(2);
    expect(Math.max(...points.map(({ impacted }) => impacted))).toBeGreaterThan(0);
    expect(points.at(-1)).toMatchObject({ hosts_out: 0, impacted: 0 });
    expect(points.at(-1)?.free["MEMORY_MB"]).toBeGreaterThan(points[0]?.free["MEMORY_MB"] ?? 0);
    const { ends_at_low = "", ends_at = "", ends_at_high = "" } = plan.outcomes?.["fastest"] ?? {};
    expect([ends_at, ends_at_low, ends_at_high].toSorted()).toEqual([
      ends_at_low,
      ends_at,
      ends_at_high,
    ]);
  }),
);

test(
  "a session takes its hosts in the order of its plan, and moves their instances where it says",
  onStage(async (play) => {
    const { api, open, ended } = play;
    const body = { hosts: ["cmp-01", "cmp-02", "cmp-03"], max_parallel_hosts: 2, ...NO_BRAKES };
    const { plan_id } = await madePlan(play.api, body);
    const sessionId = await open(body);
    const { detail } = await ended(sessionId);
    const done = await collect(listOperations(api, plan_id, { sessionId }));

    expect(new Set(done.map(({ state }) => state))).toEqual(new Set(["SUCCEEDED"]));
    const opened = done.flatMap(({ what, host }) => (what === "open" ? [host] : []));
    const started = detail.hosts.toSorted((a, b) =>
      (a.started_at ?? "") < (b.started_at ?? "") ? -1 : 1,
    );
    expect(started.map(({ hostname }) => hostname)).toEqual(opened);
    const moves = done.filter(({ what }) => what === "move");
    expect(moves.map(({ went_to }) => went_to)).toEqual(moves.map(({ to }) => to));
  }),
);

test(
  "a session that cannot be planned goes on by name, and says why there is no plan",
  onStage(async ({ api, open, ended, when, simulator }) => {
    simulator.happen({
      kind: "fault",
      fault: {
        service: "placement",
        path: "^/resource_providers/[^/]+/allocations",
        effect: { kind: "error", status: 409, message: "not today" },
      },
    });
    const hosts = ["cmp-01", "cmp-02"];
    const id = await open({ hosts });
    const { detail: begun } = await when(id, "a host to be at work", ({ hosts: runs }) =>
      runs.some(({ phase }) => phase !== "WAITING"),
    );
    const { plan } = await getMaintenanceDetail(api, id);
    simulator.happen({ kind: "clear_faults" });
    const { detail } = await ended(id);

    expect(plan).toMatchObject({
      made_at: null,
      failed: expect.stringContaining("not today"),
    });
    expect(begun.hosts.find(({ phase }) => phase !== "WAITING")?.hostname).toBe("cmp-01");
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
  }),
);

test(
  "of a session that is under way it is planned what is left, and told what runs",
  onStage(async (play) => {
    const { api, open, when, ended } = play;
    const hosts = ["cmp-02", "cmp-03"];
    const id = await open({ hosts, actions: [{ plugin: "hold", metadata: { seconds: 60 } }] });
    await when(id, "a host to be at work", ({ hosts: runs }) =>
      runs.some(({ phase }) => phase === "IN_MAINTENANCE"),
    );
    const plan = await madePlan(play.api, { session_id: id });
    const operations = await collect(listOperations(api, plan.plan_id));
    const done = operations.map(({ what, host, state }) => `${what} ${host} ${state}`);

    const [first = "", second = ""] = operations[0]?.host === "cmp-02" ? hosts : hosts.toReversed();
    expect(done[0]).toBe(`work ${first} RUNNING`);
    expect(done).toContain(`open ${second} PLANNED`);
    expect(done.at(-1)).toBe(`work ${second} PLANNED`);
    expect(plan.outcomes?.["fastest"]).toMatchObject({ hosts_maintained: 2, hosts_blocked: 0 });

    await ended(id);
    const after = await collect(listOperations(api, plan.plan_id));
    expect(after.map(({ what, host }) => `${what} ${host}`)).toEqual(
      operations.map(({ what, host }) => `${what} ${host}`),
    );
    expect(new Set(after.map(({ state }) => state))).toEqual(new Set(["SUCCEEDED"]));
  }),
);

test(
  "on the command line both objectives stand side by side, then come the operations, and later what became of them",
  onStage(async (play) => {
    const lull = commandOf(play);
    const options = ["--host", "cmp-04", "--no-canary", "--soak", "0", "--reserve", "0"];
    const foreseen = await lull("maintenance", "plan", ...options);
    expect(foreseen).toMatchObject({ code: 0 });
    expect(foreseen.out).toMatch(/^ +fastest \* +fewest_moves$/m);
    expect(foreseen.out).toMatch(/^hosts maintained +1 +1$/m);
    expect(foreseen.out).toMatch(/^1 +open +cmp-04/m);
    const [, planId = ""] = /^plan (\S+), from/.exec(foreseen.out) ?? [];

    const sessionId = await play.open({ hosts: ["cmp-04"] });
    await play.ended(sessionId);
    const picked = ["-f", "value", "-c", "what,state"];
    const done = await lull("maintenance", "plan", sessionId, "--plan", planId, ...picked);
    const lines = done.out.split("\n");
    expect(lines[0]).toBe("open SUCCEEDED");
    expect(lines.at(-1)).toBe("work SUCCEEDED");

    expect(await lull("maintenance", "plan", sessionId)).toMatchObject({ code: 1 });
    expect(await lull("maintenance", "plan", sessionId, "--host", "cmp-01")).toMatchObject({
      code: 2,
    });
  }),
);
