import { PutCommand } from "@aws-sdk/lib-dynamodb";
import type { EventBridgeEvent } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TooManyError } from "../../lib/domain/errors.ts";
import { later } from "../../lib/domain/instant.ts";
import { learnMoves, learnWork } from "../../lib/domain/plan/durations.ts";
import { planBoth } from "../../lib/domain/plan/forecast.ts";
import { requestPlan, standingOf } from "../../lib/domain/planning.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { planStore } from "../../lib/store/plans.ts";
import { queryAll } from "../../lib/store/query.ts";
import { keys } from "../../lib/store/table.ts";
import { aPlan, aSession, NOW } from "../domain/builders.ts";
import { aCluster, someRules } from "../planner/builders.ts";
import { type MaintenanceApi, problemOf, startMaintenanceApi } from "./maintenance-api.ts";

let api: MaintenanceApi;
let make: (planId: string, time?: string) => Promise<void>;

const BODY = { hosts: ["cmp-01"], canary: false, soak_minutes: 0, reserve_hosts: 0 };

beforeAll(async () => {
  api = await startMaintenanceApi();
  const hosts = hostStore(api.table);
  // The hosts of the inventory are those of the simulated cloud.
  const known = await hosts.byName("RegionOne");
  for (const { name, node_id } of api.cloud.world.hosts.values()) {
    const device = known.get(name);
    if (device?.hypervisor == null) continue;
    const { hypervisor, version } = device;
    await hosts.replace({
      ...device,
      version: version + 1,
      hypervisor: { ...hypervisor, id: node_id },
    });
  }
  const { handler } = await import("../../functions/engine/plan.ts");
  make = (plan_id, time = new Date().toISOString()) =>
    handler({ time, detail: { plan_id } } as EventBridgeEvent<string, unknown>);
});
afterAll(() => api.close());

const ask = (body: object) => api.call("POST", "/v1/plans", { body });
const look = (id: string, more = "") => api.call("GET", `/v1/plans/${id}${more}`);

describe("asking for a plan", () => {
  test("is answered at once, with where the plan will be", async () => {
    const { status, headers, body } = await ask(BODY);

    expect({ status, ...body }).toMatchObject({ status: "making", objective: "fastest" });
    expect(status).toBe(202);
    expect(headers.get("location")).toBe(`/v1/plans/${body.plan_id}`);
    expect((await look(body.plan_id)).body).toEqual(body);
    const { events } = await outbox(api.table).list(keys.plan(body.plan_id).PK, 10, null);
    expect(events).toMatchObject([{ type: "plan.requested", detail: { plan_id: body.plan_id } }]);
  });

  test.each([
    ["a host that is not there", { hosts: ["cmp-77"] }, 422, ["hosts.0 host_unknown"]],
    ["a field that is not", { ...BODY, speed: 1 }, 400, [expect.stringContaining("unrecognized")]],
    [
      "an objective that is not",
      { ...BODY, objective: "cheapest" },
      400,
      ["objective invalid_value"],
    ],
    [
      "a session and its description",
      { ...BODY, session_id: crypto.randomUUID() },
      400,
      [expect.stringContaining("unrecognized")],
    ],
    ["no id of a session", { session_id: "mine" }, 400, ["session_id invalid_format"]],
  ])("for %s names what is wrong", async (_, body, status, errors) => {
    expect(problemOf(await ask(body))).toMatchObject({ status, errors });
  });

  test("for a session that there is not, or that is over, is refused", async () => {
    expect((await ask({ session_id: crypto.randomUUID() })).status).toBe(404);
    const session_id = await api.created();
    await api.end(session_id);
    expect((await ask({ session_id })).body).toMatchObject({ code: "conflict" });
  });
});

describe("asked for again", () => {
  const idempotency = { "idempotency-key": "the same" };
  const again = (body: object) => api.call("POST", "/v1/plans", { body, headers: idempotency });

  test("with the same Idempotency-Key there is one plan, and it is told how it stands", async () => {
    const [first, second] = await Promise.all([again(BODY), again(BODY)]);
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.body.plan_id).toBe(first.body.plan_id);
    await make(first.body.plan_id);

    const { headers, body } = await again(BODY);
    expect(body).toMatchObject({ plan_id: first.body.plan_id, status: "ready" });
    expect(headers.get("location")).toBe(`/v1/plans/${first.body.plan_id}`);
  });

  test("for something else, a plan or a session, the key is refused", async () => {
    for (const path of ["/v1/plans", "/v1/maintenance"])
      expect(
        problemOf(
          await api.call("POST", path, {
            body: path === "/v1/plans" ? { ...BODY, reason: "else" } : BODY,
            headers: idempotency,
          }),
        ),
      ).toMatchObject({ status: 422, errors: ["Idempotency-Key key_reused"] });
  });
});

describe("of many plans that are asked for at once", () => {
  test("four are made, until one of them has ended or is given up", async () => {
    const plans = planStore(api.dynamodb.newTable());
    const wish = (now = NOW) => aPlan(now);
    const first = wish();
    for (const one of [first, wish(), wish(), wish()]) await plans.request(one);
    await expect(plans.request(wish())).rejects.toThrow(TooManyError);

    await plans.settle({ ...first, status: "failed" });
    await plans.request(wish(later(NOW, 1)));
    await expect(plans.request(wish(later(NOW, 2)))).rejects.toThrow(TooManyError);

    await plans.request(wish(later(NOW, 1_800)));
  });

  test("no more are taken at the same instant, and the others told when to come back", async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => ask(BODY)));
    const taken = answers.filter(({ status }) => status === 202);
    const [refused] = answers.filter(({ status }) => status === 429);
    if (refused === undefined) throw new Error("none was refused");

    expect(taken.length).toBeLessThanOrEqual(4);
    expect(problemOf(refused)).toMatchObject({ status: 429, code: "too_many" });
    expect(refused.headers.get("retry-after")).toBe("30");
    for (const { body } of taken) await make(body.plan_id);
  });
});

describe("a plan", () => {
  test("that is not made has no operations yet", async () => {
    const { plan_id } = (await ask(BODY)).body;

    for (const more of ["/operations", "/curve"])
      expect((await look(plan_id, more)).body).toMatchObject({
        code: "conflict",
        detail: expect.stringContaining("still being made"),
      });
  });

  test("that cannot be made says why", async () => {
    const { plan_id } = (await ask(BODY)).body;
    api.cloud.happen({
      kind: "fault",
      fault: { service: "placement", effect: { kind: "error", status: 403, message: "not you" } },
    });
    await make(plan_id);
    api.cloud.happen({ kind: "clear_faults" });

    expect((await look(plan_id)).body).toMatchObject({
      status: "failed",
      error: expect.stringContaining("403"),
    });
  });

  test("that the cloud keeps from being made is tried again, three times in all", async () => {
    const { plan_id } = (await ask(BODY)).body;
    const effect = { kind: "error", status: 500, message: "no database" } as const;
    api.cloud.happen({ kind: "fault", fault: { service: "placement", effect } });

    for (const _ of [1, 2]) {
      await expect(make(plan_id)).rejects.toThrow("500");
      expect((await look(plan_id)).body).toMatchObject({
        status: "making",
        error: expect.stringContaining("500"),
      });
    }
    await make(plan_id);
    expect((await look(plan_id)).body).toMatchObject({
      status: "failed",
      error: expect.stringContaining("500"),
    });
    api.cloud.happen({ kind: "clear_faults" });
  });

  test("that was tried in vain is made when the trouble has passed", async () => {
    const { plan_id } = (await ask(BODY)).body;
    const effect = { kind: "error", status: 500 } as const;
    api.cloud.happen({ kind: "fault", fault: { service: "placement", times: 1, effect } });

    await expect(make(plan_id)).rejects.toThrow("500");
    await make(plan_id);
    expect((await look(plan_id)).body).toMatchObject({ status: "ready", error: null });
  });

  describe("that was kept waiting", () => {
    /** Asked for a while ago, for a session that was to begin before that. */
    const madeLate = async (seconds: number) => {
      const asked = later(new Date().toISOString(), -seconds);
      const session = aSession({ hosts: ["cmp-01"], maintenance_at: later(asked, -1) });
      const planId = crypto.randomUUID();
      await planStore(api.table).request(
        requestPlan({ planId, objective: "fastest", by: "admin", now: asked, session }),
      );
      await make(planId, asked);
      return { asked, plan: await planStore(api.table).get(planId) };
    };

    test("begins when it is made, not when it was asked for", async () => {
      const { asked, plan } = await madeLate(600);

      // Nova tells whole seconds.
      expect(plan.findings?.starts_at.localeCompare(later(asked, 598))).toBe(1);
    });

    test("for so long that it was given up is not made", async () => {
      const { plan } = await madeLate(1_801);

      expect(plan).toMatchObject({
        status: "failed",
        error: expect.stringContaining("ask for another one"),
      });
    });
  });

  test("that is asked for twice by the bus is made once", async () => {
    const { plan_id } = (await ask(BODY)).body;
    const rows = () => queryAll(api.table, keys.plan(plan_id).PK, "CURVE#");
    await make(plan_id);
    const { body } = await look(plan_id);
    const before = (await rows()).length;
    await make(plan_id);

    expect(body).toMatchObject({ status: "ready", outcomes: { fastest: { hosts_blocked: 0 } } });
    expect((await look(plan_id)).body).toEqual(body);
    expect(await rows()).toHaveLength(before);
  });

  test("of which two were made at once is the one that was finished first", async () => {
    const { plan_id } = (await ask(BODY)).body;
    await Promise.all([make(plan_id), make(plan_id)]);
    const { body } = await look(plan_id, "/operations");

    expect(body.operations.map(({ number }: { number: number }) => number)).toEqual(
      body.operations.map((_: unknown, n: number) => n + 1),
    );
  });

  test("of a session is held against it without being told so", async () => {
    const session_id = await api.created({ ...BODY, maintenance_at: undefined });
    const { plan_id } = (await ask({ session_id, objective: "fewest_moves" })).body;
    await make(plan_id);
    const { body } = await look(plan_id, "/operations");

    expect(body).toMatchObject({ session_id, objective: "fewest_moves" });
    expect(new Set(body.operations.map(({ state }: { state: string }) => state))).toEqual(
      new Set(["PLANNED"]),
    );
  });

  test("whose making died has failed after a while", () => {
    const plan = aPlan();

    expect(standingOf(plan, later(NOW, 1_799)).status).toBe("making");
    expect(standingOf(plan, later(NOW, 1_800)).status).toBe("failed");
  });
});

test("operations come in pages, whatever the size of the rows they are kept in", async () => {
  const plans = planStore(api.table);
  const cluster = aCluster({
    hosts: [{ capacity: [10_000] }, { job: "none", capacity: [10_000] }],
    instances: Array.from({ length: 700 }, () => ({ host: 0, needs: [1] })),
  });
  const session = aSession();
  const { findings, courses } = planBoth(
    {
      cluster,
      rules: someRules(),
      names: cluster.instances.map(({ id }) => id),
      obstacles: new Map(),
      unknown: [],
      unfit: [],
    },
    { session, durations: { moves: learnMoves([]), work: learnWork([], 1) }, startsAt: NOW },
  );
  const plan = aPlan(new Date().toISOString(), session);
  await plans.request(plan);
  await plans.putCourses(plan, "making", courses);
  await plans.settle({ ...plan, status: "ready", making_id: "making", findings });

  const numbers: number[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${cursor}`;
    const { body } = await look(plan.plan_id, `/operations?limit=150${more}`);
    numbers.push(...body.operations.map(({ number }: { number: number }) => number));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(numbers).toEqual(Array.from({ length: 702 }, (_, n) => n + 1));

  expect(problemOf(await look(plan.plan_id, "/operations?cursor=nonsense"))).toMatchObject({
    status: 400,
  });
});

test("a plan whose pages have expired is not told as one that does nothing", async () => {
  const { plan_id } = (await ask(BODY)).body;
  await make(plan_id);
  const plans = planStore(api.table);
  const plan = await plans.get(plan_id);
  // Its row outlives the pages, or names pages that are kept elsewhere.
  await api.table.client.send(
    new PutCommand({
      TableName: api.table.name,
      Item: { ...keys.plan(plan_id), kind: "plan", ...plan, making_id: "gone" },
    }),
  );

  for (const more of ["/operations", "/curve"])
    expect(await look(plan_id, more)).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining("expired") },
    });
});

test("no row of a plan is larger than DynamoDB bears, however long the names are", async () => {
  const longest = "n".repeat(255);
  const operation = {
    number: 1_000_000,
    what: "move" as const,
    host: longest,
    instance_id: crypto.randomUUID(),
    instance_name: "語".repeat(255),
    to: longest,
    starts_in: 1_000_000,
    ends_in: 1_000_000,
  };
  const course = { operations: Array(400).fill(operation), curve: [] };
  const plan = aPlan();

  await expect(
    planStore(api.table).putCourses(plan, "making", { fastest: course, fewest_moves: course }),
  ).resolves.toBeUndefined();
});
