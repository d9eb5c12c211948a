import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newDelivery } from "../../lib/domain/delivery.ts";
import { later } from "../../lib/domain/instant.ts";
import { LOOK_ANYWAY_SECONDS, TAKEOVER_SECONDS } from "../../lib/domain/run.ts";
import { laneStore } from "../../lib/store/lanes.ts";
import { type RunStore, runStore } from "../../lib/store/runs.ts";
import { aProjectEvent } from "../delivery/builders.ts";
import { NOW, startRun } from "../store/dynamodb.ts";
import {
  anEvent,
  type Engine,
  parking,
  startEngine,
  storeEvent,
  typesUnpublished,
} from "./engine.ts";

let engine: Engine;
let runs: RunStore;
beforeAll(async () => {
  engine = await startEngine();
  runs = runStore(engine.table);
});
afterAll(() => engine.close());
beforeEach(() => engine.forget());

describe("tick", () => {
  const AFTER_TAKEOVER = later(NOW, TAKEOVER_SECONDS);

  test("starts an execution that the stream did not", async () => {
    const { run_id } = await startRun(engine.table);
    await engine.tick(AFTER_TAKEOVER);

    expect(engine.aws.executions.get(`${run_id}-1`)).toBe("RUNNING");
  });

  test.each(["FAILED", "ABORTED", "SUCCEEDED"] as const)(
    "hands a run whose execution has %s to its next generation",
    async (status) => {
      const { run_id } = await startRun(engine.table);
      engine.aws.executions.set(`${run_id}-1`, status);
      await engine.tick(AFTER_TAKEOVER);

      expect(await runs.get(run_id)).toMatchObject({ generation: 2 });
    },
  );

  test("wakes a run whose wait is over", async () => {
    const ref = await startRun(engine.table);
    engine.aws.executions.set(`${ref.run_id}-1`, "RUNNING");
    await runs.park(ref, parking(ref.run_id, later(NOW, 60)));
    await engine.tick(later(NOW, 59));
    expect(engine.aws.woken).not.toContain(ref.run_id);

    await engine.tick(later(NOW, 60));
    expect(engine.aws.woken).toContain(ref.run_id);
  });

  test("leaves a run that waits in peace alone, and wakes one whose wake was lost", async () => {
    const ref = await startRun(engine.table);
    engine.aws.executions.set(`${ref.run_id}-1`, "RUNNING");
    await runs.park(ref, parking(ref.run_id));
    await engine.tick(AFTER_TAKEOVER);
    expect(engine.aws.woken).not.toContain(ref.run_id);
    const due = await runs.due(AFTER_TAKEOVER, 100);
    expect(due.map(({ run_id }) => run_id)).not.toContain(ref.run_id);

    await runs.wake(ref.run_id);
    await engine.tick(later(AFTER_TAKEOVER, TAKEOVER_SECONDS));
    expect(engine.aws.woken).toContain(ref.run_id);
  });

  test("wakes whoever has slept for ten minutes: perhaps the news was lost before it was counted", async () => {
    const ref = await startRun(engine.table);
    engine.aws.executions.set(`${ref.run_id}-1`, "RUNNING");
    await runs.park(ref, parking(ref.run_id, later(NOW, 86_400)));
    await engine.tick(later(NOW, LOOK_ANYWAY_SECONDS - 1));
    expect(engine.aws.woken).not.toContain(ref.run_id);

    await engine.tick(later(NOW, LOOK_ANYWAY_SECONDS + TAKEOVER_SECONDS));
    expect(engine.aws.woken).toContain(ref.run_id);
  });

  test("starts the next generation itself, in case that the stream is dead", async () => {
    const { run_id } = await startRun(engine.table);
    engine.aws.executions.set(`${run_id}-1`, "FAILED");
    await engine.tick(AFTER_TAKEOVER);

    expect(engine.aws.executions.get(`${run_id}-2`)).toBe("RUNNING");
  });

  test("notices a death in the sleep", async () => {
    const ref = await startRun(engine.table);
    await runs.park(ref, parking(ref.run_id, later(NOW, 86_400)));
    engine.aws.executions.set(`${ref.run_id}-1`, "ABORTED");
    await engine.tick(AFTER_TAKEOVER);

    expect(await runs.get(ref.run_id)).toMatchObject({ generation: 2 });
  });

  test("publishes what the stream did not, and keeps what the bus refuses", async () => {
    await storeEvent(engine, anEvent());
    await storeEvent(engine, anEvent({ type: "maintenance.session" }));
    engine.aws.refusedTypes.add("maintenance.session");
    await engine.tick(later(NOW, 60));

    expect(engine.aws.published.map(({ DetailType }) => DetailType)).toContain("maintenance.host");
    expect(await typesUnpublished(engine)).not.toContain("maintenance.host");
    expect(await typesUnpublished(engine)).toContain("maintenance.session");
  });

  test("names the lanes to the sink in which something is due, and sends nothing itself", async () => {
    const lanes = laneStore(engine.table);
    const to = { kind: "webhook", receiver_id: "r1", url: "https://receiver.example/" } as const;
    await lanes.append(newDelivery(aProjectEvent(), to, "msg_1"), later(NOW, 5));
    const named = () =>
      engine.aws.published.filter(({ DetailType }) => DetailType === "delivery.due");
    await engine.tick(NOW);
    expect(named()).toEqual([]);

    await engine.tick(later(NOW, 5));
    expect(named().map(({ Detail }) => JSON.parse(Detail))).toMatchObject([
      { receiver_id: "r1", session_id: "session-1" },
    ]);
    await engine.tick(later(NOW, 65));
    expect(named(), "again although the sink was told a minute ago").toHaveLength(1);
    const lane = { receiver_id: "r1", session_id: "session-1" };
    await lanes.claim(lane, later(NOW, 70), later(NOW, 130));
    await engine.tick(later(NOW, 129));
    expect(named()).toHaveLength(1);
    await engine.tick(later(NOW, 130));
    expect(named()).toHaveLength(2);
  });

  test("mends what it can when something else fails, and says that something did", async () => {
    await startRun(engine.table);
    await storeEvent(engine, anEvent());
    engine.aws.broken.add("DescribeExecution");

    await expect(engine.tick(AFTER_TAKEOVER)).rejects.toThrow(/could not be mended/);
    expect(engine.aws.published.map(({ DetailType }) => DetailType)).toContain("maintenance.host");
  });
});
