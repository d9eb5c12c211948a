import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DomainEvent } from "../../lib/domain/events/event.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { claimHost, entering } from "../../lib/domain/host-run.ts";
import { later } from "../../lib/domain/instant.ts";
import { TAKEOVER_SECONDS } from "../../lib/domain/run.ts";
import { transact } from "../../lib/store/conditions.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { outbox, putEvent } from "../../lib/store/outbox.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { type RunStore, runStore } from "../../lib/store/runs.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { aSession } from "../domain/builders.ts";
import { NOW, startRun } from "../store/dynamodb.ts";
import { type Engine, startEngine } from "./engine.ts";

let engine: Engine;
let runs: RunStore;
beforeAll(async () => {
  engine = await startEngine();
  runs = runStore(engine.table);
});
afterAll(() => engine.close());
beforeEach(() => {
  const { aws } = engine;
  aws.broken.clear();
  aws.deadTokens.clear();
  aws.refusedTypes.clear();
  aws.woken.length = 0;
  aws.published.length = 0;
  engine.stream();
});

const parking = (token: string, wakeAt = later(NOW, 3_600)) => ({
  seen: 0,
  token,
  now: NOW,
  wakeAt,
});

const event = (but: Partial<DomainEvent> = {}): DomainEvent => ({
  schema: 1,
  type: "maintenance.host",
  entity: "session-1/cmp-01",
  sequence: 1,
  at: NOW,
  detail: { host: "cmp-01" },
  ...but,
});
const storeEvent = (one: DomainEvent) =>
  transact(engine.table, [putEvent(engine.table, `S#${crypto.randomUUID()}`, one)]);

/** Types of the events that wait for the janitor. */
const unpublished = async () =>
  (await outbox(engine.table).unpublished(later(NOW, 3_600), 100)).map(({ type }) => type);

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
    const finished = entering(await hostRuns.get(session_id, "cmp-01"), "FINISHED", NOW);
    await hostRuns.save(host, finished, { end: true });
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
    const finished = entering(await hostRuns.get(session_id, "cmp-01"), "FINISHED", NOW);
    await hostRuns.save(host, finished, { end: true });

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
    await storeEvent(event());
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
    expect(await unpublished()).not.toContain("maintenance.host");
  });

  test("puts nothing else on the bus, not even its own mark on the event", async () => {
    await storeEvent(event());
    await engine.publish(engine.stream());
    await startRun(engine.table);
    const { Records } = engine.stream();
    expect(Records.map(({ eventName }) => eventName)).toEqual(["MODIFY", "INSERT", "INSERT"]);
    await engine.publish({ Records });

    expect(engine.aws.published).toHaveLength(1);
  });

  test("asks for an event again that the bus did not take, though it answered 200", async () => {
    await storeEvent(event());
    engine.aws.refusedTypes.add("maintenance.host");
    const batch = engine.stream();

    expect((await engine.publish(batch)).batchItemFailures).toHaveLength(1);
    engine.aws.refusedTypes.clear();
    expect(await engine.publish(batch)).toEqual({ batchItemFailures: [] });
    expect(engine.aws.published).toHaveLength(1);
  });
});

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

  test("notices a death in the sleep", async () => {
    const ref = await startRun(engine.table);
    await runs.park(ref, parking(ref.run_id, later(NOW, 86_400)));
    engine.aws.executions.set(`${ref.run_id}-1`, "ABORTED");
    await engine.tick(AFTER_TAKEOVER);

    expect(await runs.get(ref.run_id)).toMatchObject({ generation: 2 });
  });

  test("publishes what the stream did not, and keeps what the bus refuses", async () => {
    await storeEvent(event());
    await storeEvent(event({ type: "maintenance.session" }));
    engine.aws.refusedTypes.add("maintenance.session");
    await engine.tick(later(NOW, 60));

    expect(engine.aws.published.map(({ DetailType }) => DetailType)).toContain("maintenance.host");
    expect(await unpublished()).not.toContain("maintenance.host");
    expect(await unpublished()).toContain("maintenance.session");
  });

  test("mends what it can when something else fails, and says that something did", async () => {
    await startRun(engine.table);
    await storeEvent(event());
    engine.aws.broken.add("DescribeExecution");

    await expect(engine.tick(AFTER_TAKEOVER)).rejects.toThrow(/could not be mended/);
    expect(engine.aws.published.map(({ DetailType }) => DetailType)).toContain("maintenance.host");
  });
});
