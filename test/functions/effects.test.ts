import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { intentStore, type NewIntent } from "../../lib/store/intents.ts";
import { NOW } from "../domain/builders.ts";
import { startRun } from "../store/dynamodb.ts";
import { type MaintenanceApi, startMaintenanceApi } from "./maintenance-api.ts";

let api: MaintenanceApi;
beforeAll(async () => {
  api = await startMaintenanceApi();
});
afterAll(() => api.close());

const disable: NewIntent = {
  effect: "disable",
  request_id: "req-1",
  at: "2026-11-22T10:00:01.000Z",
  instance_id: null,
  target: null,
  target_device_id: null,
  newest_migration: 0,
  groups: [],
};
const move: NewIntent = {
  ...disable,
  effect: "a-move-that-sorts-before",
  request_id: "req-2",
  at: "2026-11-22T10:00:02.000Z",
  instance_id: "vm-1",
  target: "cmp-02",
};

describe("the effects of a host", () => {
  test("are what its run has done to the cloud, the oldest first, with request ids and outcomes", async () => {
    const id = await api.created();
    const ref = await startRun(api.table, "cmp-01");
    await api.claim(id, "cmp-01", { run_id: ref.run_id, phase: "MOVING" });
    const intents = intentStore(api.table);
    await intents.begin(ref, id, disable);
    await intents.finish(ref, disable, "done", NOW);
    await intents.begin(ref, id, move);

    expect(await api.show(id, "/hosts/cmp-01/effects")).toMatchObject({
      status: 200,
      body: {
        host: "cmp-01",
        run_id: ref.run_id,
        effects: [
          { effect: "disable", request_id: "req-1", outcome: "done", finished_at: NOW },
          { request_id: "req-2", instance_id: "vm-1", target: "cmp-02", outcome: null },
        ],
      },
    });
  });

  test("are none before it was begun", async () => {
    const id = await api.created();
    await api.claim(id, "cmp-01", { run_id: null });
    const { body } = await api.show(id, "/hosts/cmp-01/effects");
    expect(body).toMatchObject({ run_id: null, effects: [] });
  });

  test("are not there for a host that the session does not have", async () => {
    const id = await api.created();
    expect((await api.show(id, "/hosts/cmp-77/effects")).status).toBe(404);
  });
});

test("a host in detail has what a person on duty asks for: since when, who is stopped, what alarms", async () => {
  const id = await api.created();
  const alarm = { at: NOW, why: "vm-2 is in ERROR after its move" };
  await api.claim(id, "cmp-01", { phase: "MOVING", phase_at: NOW, stopped: ["vm-1"], alarm });
  const { body } = await api.show(id, "/detail");
  expect(body.hosts).toMatchObject([{ phase: "MOVING", phase_at: NOW, stopped: ["vm-1"], alarm }]);
});
