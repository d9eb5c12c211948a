import type { EventBridgeEvent } from "aws-lambda";
import { readSettings } from "../../lib/config.ts";
import { deliveryDue } from "../../lib/domain/events/delivery-due.ts";
import { later } from "../../lib/domain/instant.ts";
import { LOOK_ANYWAY_SECONDS, type Run } from "../../lib/domain/run.ts";
import { executions, sendWake } from "../../lib/engine/executions.ts";
import { putEvents } from "../../lib/events/bus.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { laneStore } from "../../lib/store/lanes.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { runStore } from "../../lib/store/runs.ts";
import { openTable } from "../../lib/store/table.ts";

/** What one tick takes on; the rest waits for the next. */
const AT_ONCE = 500;

/** The same of lanes: twice as many as the sink works at once. */
const LANES_AT_ONCE = 200;
const REMIND_AGAIN_SECONDS = 180;

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const runs = runStore(table);
const events = outbox(table);
const lanes = laneStore(table);
const machines = executions({
  session: settings.SESSION_MACHINE_ARN,
  host: settings.HOST_MACHINE_ARN,
});

/**
 * The janitor, once a minute. Whatever the stream should have done and has not is done here: runs
 * whose execution died get the next generation, runs whose wait is over are woken, events that
 * were not published are, and deliveries that are due are named to who sends them.
 */
export const handler = async ({ time }: EventBridgeEvent<string, unknown>): Promise<void> => {
  const now = new Date(time).toISOString();
  const results = await Promise.allSettled([
    lookAfterRuns(now),
    republish(now),
    remindOfDeliveries(now),
  ]);
  const failures = results.filter((result) => result.status === "rejected");
  for (const { reason } of failures) logger.error("tick could not mend", { error: reason });
  if (failures.length > 0)
    throw new Error(`${failures.length} of ${results.length} could not be mended`);
};

const lookAfterRuns = async (now: string): Promise<void> => {
  const listed = await runs.due(now, AT_ONCE);
  const results = await Promise.allSettled(listed.map((run) => lookAfter(run, now)));
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
};

const lookAfter = async (listed: Run, now: string): Promise<void> => {
  // The index may be behind; only the base table decides.
  const run = await runs.get(listed.run_id);
  if (run.status !== "active") return;
  const status = await machines.status(run);
  if (status === "absent") return machines.start(run);
  if (status === "running") {
    const waits = run.wake_at !== undefined && run.wake_at > now && now < lookAnyway(run);
    const tokens = await (waits ? runs.missedWake(run.run_id) : runs.wake(run.run_id));
    for (const token of tokens) await sendWake(token);
    if (waits) await runs.postpone(run, now);
    return;
  }
  logger.warn("an execution ended before its run did", { run });
  // `drive` starts it too; but perhaps it is the stream that is dead.
  if (await runs.supersede(run, now))
    await machines.start({ ...run, generation: run.generation + 1 });
};

const lookAnyway = ({ heartbeat_at }: Run): string => later(heartbeat_at, LOOK_ANYWAY_SECONDS);

const republish = async (now: string): Promise<void> => {
  const lost = await events.unpublished(now, AT_ONCE);
  const refused = await putEvents(settings.BUS_NAME, lost);
  for (const [n, event] of lost.entries()) if (!refused.has(n)) await events.published(event);
};

/**
 * A lane that the bus does not take now is still due in a minute. One that it takes is not named
 * again at once: the sink may have more to do than it can, and would have even more.
 */
const remindOfDeliveries = async (now: string): Promise<void> => {
  const listed = await lanes.due(now, LANES_AT_ONCE);
  const named = listed.map((lane) => deliveryDue(lane, now));
  const refused = await putEvents(settings.BUS_NAME, named);
  const until = later(now, REMIND_AGAIN_SECONDS);
  await Promise.all(
    listed.map((lane, n) => (refused.has(n) ? undefined : lanes.postpone(lane, until))),
  );
};
