import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { claimHost, entering } from "../../lib/domain/host-run.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { type RunStore, runStore } from "../../lib/store/runs.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { aSession } from "../domain/builders.ts";
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

/** A session whose run sleeps and whose cmp-01 is at work, its run asleep too. */
const sleepingSession = async () => {
  const { table } = engine;
  const session = aSession({ session_id: crypto.randomUUID() });
  const { session_id } = session;
  await sessionStore(table).open(session, maintenanceSession(session, 0, NOW));
  const ref = { run_id: session_id, generation: 1 };
  const host = { run_id: crypto.randomUUID(), generation: 1 };
  const claim = { sessionId: session_id, deviceId: session_id, plugins: [], now: NOW };
  await ownership(table).claim(ref, [
    claimHost({ ...claim, host: "cmp-01" }),
    claimHost({ ...claim, deviceId: `${session_id}-2`, host: "cmp-02" }),
  ]);
  const hostRuns = hostRunStore(table);
  const waiting = await hostRuns.get(session_id, "cmp-01");
  await hostRuns.start(waiting, host.run_id, ref, NOW);
  await runs.park(ref, parking("session's token"));
  await runs.park(host, parking("host's token"));
  engine.stream();
  return { session_id, ref, host, hostRuns };
};

describe("drive", () => {
  test("starts the execution of each new run and each new generation, by its own name", async () => {
    const ref = await startRun(engine.table);
    await engine.drive(engine.stream());
    expect(engine.aws.executions.get(`${ref.run_id}-1`)).toBe("RUNNING");

    await runs.supersede(ref, NOW);
    await engine.drive(engine.stream());
    expect(engine.aws.executions.get(`${ref.run_id}-2`)).toBe("RUNNING");
  });

  test("reads a batch twice without harm", async () => {
    await startRun(engine.table);
    const batch = engine.stream();
    await engine.drive(batch);

    expect(await engine.drive(batch)).toEqual({ batchItemFailures: [] });
  });

  test("starts nothing for a generation that is over by the time it reads of it", async () => {
    const ref = await startRun(engine.table);
    await runs.supersede(ref, NOW);
    await engine.drive(engine.stream());

    expect([...engine.aws.executions.keys()].filter((name) => name.startsWith(ref.run_id))).toEqual(
      [`${ref.run_id}-2`],
    );
  });

  test("wakes the session when one of its hosts has finished", async () => {
    const { session_id, host, hostRuns } = await sleepingSession();
    const from = await hostRuns.get(session_id, "cmp-01");
    await hostRuns.save(host, entering(from, "FINISHED", NOW), { from, end: true });
    await engine.drive(engine.stream());

    expect(engine.aws.woken).toEqual(["session's token"]);
  });

  test("wakes the session and its hosts at work when it is given an order", async () => {
    const { session_id } = await sleepingSession();
    await sessionStore(engine.table).change(session_id, (seen) => {
      const next = { ...seen, control: "aborting", sequence: seen.sequence + 1 } as const;
      return { next, event: maintenanceSession(next, 0, NOW) };
    });
    await engine.drive(engine.stream());

    expect(engine.aws.woken).toEqual(["session's token", "host's token"]);
  });

  test("takes a token that nobody waits with any more for woken", async () => {
    const { session_id, host, hostRuns } = await sleepingSession();
    engine.aws.deadTokens.add("session's token");
    const from = await hostRuns.get(session_id, "cmp-01");
    await hostRuns.save(host, entering(from, "FINISHED", NOW), { from, end: true });

    expect(await engine.drive(engine.stream())).toEqual({ batchItemFailures: [] });
  });

  test("asks for the batch again from the record on whose reaction failed", async () => {
    await startRun(engine.table);
    const batch = engine.stream();
    engine.aws.broken.add("StartExecution");
    const { batchItemFailures } = await engine.drive(batch);
    const positions = batchItemFailures.map(({ itemIdentifier }) =>
      batch.Records.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === itemIdentifier),
    );

    expect(positions).toHaveLength(1);
    expect(batch.Records[positions[0] ?? -1]?.dynamodb?.Keys?.["SK"]?.S).toBe("#RUN");
  });
});

describe("publish", () => {
  test("puts each new event on the bus and takes it off the janitor's list", async () => {
    await storeEvent(engine, anEvent());
    await engine.publish(engine.stream());

    expect(engine.aws.published).toMatchObject([
      { DetailType: "maintenance.host", EventBusName: "bus" },
    ]);
    expect(JSON.parse(engine.aws.published[0]?.Detail ?? "")).toEqual({
      host: "cmp-01",
      entity: "session-1/cmp-01",
      sequence: 1,
      at: NOW,
    });
    expect(await typesUnpublished(engine)).not.toContain("maintenance.host");
  });

  test("puts nothing else on the bus, not even its own mark on the event", async () => {
    await storeEvent(engine, anEvent());
    await engine.publish(engine.stream());
    await startRun(engine.table);
    const { Records } = engine.stream();
    expect(Records.map(({ eventName }) => eventName)).toEqual(["MODIFY", "INSERT", "INSERT"]);
    await engine.publish({ Records });

    expect(engine.aws.published).toHaveLength(1);
  });

  test("asks for an event again that the bus did not take, though it answered 200", async () => {
    await storeEvent(engine, anEvent());
    engine.aws.refusedTypes.add("maintenance.host");
    const batch = engine.stream();

    expect((await engine.publish(batch)).batchItemFailures).toHaveLength(1);
    engine.aws.refusedTypes.clear();
    expect(await engine.publish(batch)).toEqual({ batchItemFailures: [] });
    expect(engine.aws.published).toHaveLength(1);
  });
});
