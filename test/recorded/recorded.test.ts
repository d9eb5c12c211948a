import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as z from "zod";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { deviceSchema } from "../../lib/domain/device.ts";
import { eventSchema } from "../../lib/domain/events/event.ts";
import { hookSchema } from "../../lib/domain/hook.ts";
import { hostRunSchema } from "../../lib/domain/host-run.ts";
import { intentSchema, moveSchema } from "../../lib/domain/move.ts";
import { runSchema } from "../../lib/domain/run.ts";
import { sessionSchema } from "../../lib/domain/session.ts";
import { syncSchema } from "../../lib/domain/sync.ts";
import { parseRow } from "../../lib/store/rows.ts";
import { openTable } from "../../lib/store/table.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { freePort, waitFor } from "../../localstack/demo/stage.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { announced } from "./announced.ts";
import { idsIn, ofAnotherSession, readMoment, rowsAsOf, startingCloud } from "./moments.ts";
import { openBareLull } from "./stage.ts";

const SCHEMA = 1;
const MOMENTS = readdirSync(new URL(`schema-${SCHEMA}`, import.meta.url)).map((file) =>
  file.replace(".jsonl", ""),
);

const schemas: Readonly<Record<string, z.ZodType>> = {
  device: deviceSchema,
  session: sessionSchema,
  host_run: hostRunSchema,
  move: moveSchema,
  intent: intentSchema,
  run: runSchema,
  hook: hookSchema,
  event: eventSchema,
  sync: syncSchema,
};

describe(`rows of schema ${SCHEMA}`, () => {
  const rows = MOMENTS.flatMap((name) => readMoment(SCHEMA, name).rows).map((row) =>
    unmarshall(row as never),
  );

  test.each(Object.entries(schemas))("of kind %s are read by today's code", (kind, schema) => {
    const ofKind = rows.filter((row) => row["kind"] === kind);

    expect(ofKind.length).toBeGreaterThan(0);
    for (const row of ofKind) expect(() => parseRow(schema, row)).not.toThrow();
  });
});

const SPEED = 20;
const PATIENCE_MS = 90_000;
const clock = scaledClock(SPEED);
let data: string;
let awsPort: number;
let cloudPort: number;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "lull-"));
  [awsPort, cloudPort] = await Promise.all([freePort(), freePort()]);
});
afterAll(() => rmSync(data, { recursive: true }));

const ended = (api: Api, id: string) =>
  waitFor(
    "the session to end",
    async () => {
      const story = await readSession(api, id).catch(() => undefined);
      return story?.detail.session.state === "MAINTENANCE_DONE" ? story : undefined;
    },
    PATIENCE_MS,
  );

/** The cloud of today's test, always at the same address, and a Lull that lives in `data`. */
const openAll = async (cloud: ReturnType<typeof startingCloud>, machines?: number) => {
  const simulator = await startSimulator({ clock, cloud, port: cloudPort });
  const options = { clock, simulator, data, awsPort };
  const { stack, api } = await openBareLull(
    machines === undefined ? options : { ...options, machines },
  );
  return { simulator, stack, api };
};

describe(`a session of schema ${SCHEMA}`, () => {
  test.each(MOMENTS)("that stood at %s is brought to its end by today's code", async (name) => {
    const moment = ofAnotherSession(readMoment(SCHEMA, name));
    const { simulator, stack, api } = await openAll(moment.cloud as never);
    const table = openTable(process.env["TABLE_NAME"] ?? "");
    for (const row of rowsAsOf(moment, clock.now(), idsIn(simulator)))
      await table.client.send(
        new PutCommand({ TableName: table.name, Item: unmarshall(row as never) }),
      );
    const { detail } = await ended(api, moment.session_id);

    expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(["maintained", "maintained"]);
    for (const { status } of simulator.world.hosts.values()) expect(status).toBe("enabled");
    await stack.close();
    await simulator.close();
  });
});

const ASL = 1;

test(`executions that began with state machines ${ASL} keep them, call today's functions, and end their session`, async () => {
  const began = clock.now();
  const old = await openAll(startingCloud(), ASL);
  const { sync_id } = await startSync(old.api);
  const isRead = async () => (await getSync(old.api, sync_id)).state === "DONE" || undefined;
  await waitFor("the inventory", isRead, PATIENCE_MS);
  const id = await createMaintenance(old.api, {
    hosts: ["cmp-01", "cmp-02"],
    profile: "doctor",
    actions: [{ plugin: "hold", metadata: { seconds: 5 } }],
  });
  const table = openTable(process.env["TABLE_NAME"] ?? "");
  await announced(table, id, new Date(clock.now()).toISOString(), PATIENCE_MS);
  const isMoving = async () =>
    (await readSession(old.api, id)).detail.hosts.some(({ phase }) => phase === "MOVING") ||
    undefined;
  await waitFor("a host to be emptied", isMoving, PATIENCE_MS);
  await old.stack.close();

  const options = { clock, simulator: old.simulator, data, awsPort };
  const { stack, api } = await openBareLull(options);
  const { detail } = await ended(api, id);
  expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(["maintained", "maintained"]);
  const definitions = stack
    .executions()
    .filter(({ machineArn, startedAt }) => machineArn.endsWith("host") && startedAt >= began)
    .map(({ definition }) => definition);
  expect(new Set(definitions).size).toBe(2);
  await stack.close();
  await old.simulator.close();
});
