import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Clock } from "../../clock.ts";
import type { AsynchronousQueue } from "../lambda/asynchronous.ts";
import { transaction } from "../sqlite.ts";
import type { RuleModel } from "../template/model.ts";
import { eventOf } from "./bus.ts";

/**
 * Rules with `rate()`. The next instant is kept in the file, so that a restart neither starts the
 * period anew nor makes up for every one missed; one whose last event is still being worked on is
 * skipped.
 */
export const startSchedules = (options: {
  sqlite: DatabaseSync;
  clock: Clock;
  queue: AsynchronousQueue;
  rules: readonly RuleModel[];
  region: string;
  log: (line: string) => void;
}) => {
  const { sqlite, clock, queue, region, log } = options;
  sqlite.exec(`
    CREATE TABLE IF NOT EXISTS schedules (
      rule TEXT PRIMARY KEY,
      next_at INTEGER NOT NULL
    ) STRICT`);
  const get = sqlite.prepare("SELECT next_at FROM schedules WHERE rule = ?");
  const put = sqlite.prepare("INSERT OR REPLACE INTO schedules (rule, next_at) VALUES (?, ?)");
  const cancels = new Map<string, () => void>();

  const fire = (rule: RuleModel, everyMs: number) => {
    const nextAt = clock.now() + everyMs;
    transaction(sqlite, () => {
      put.run(rule.name, nextAt);
      if (queue.isBusy(rule.name)) return;
      for (const { functionArn, input } of rule.targets)
        queue.add(
          functionArn,
          input === undefined
            ? eventOf({
                source: "aws.events",
                detailType: "Scheduled Event",
                detail: {},
                resources: [rule.arn],
                time: clock.now(),
                region,
              })
            : JSON.parse(input),
          rule.name,
        );
    });
    queue.pump();
  };
  const schedule = (rule: RuleModel, everyMs: number, at: number): unknown =>
    cancels.set(
      rule.name,
      clock.at(at, () => {
        schedule(rule, everyMs, clock.now() + everyMs);
        try {
          fire(rule, everyMs);
        } catch (error) {
          log(`rule ${rule.name} could not fire: ${error}`);
        }
      }),
    );

  for (const rule of options.rules) {
    if (rule.everyMs === undefined) continue;
    const row = get.get(rule.name);
    const kept = row && z.object({ next_at: z.number() }).parse(row).next_at;
    const nextAt = Math.min(kept ?? Number.POSITIVE_INFINITY, clock.now() + rule.everyMs);
    if (kept !== nextAt) put.run(rule.name, nextAt);
    schedule(rule, rule.everyMs, nextAt);
  }
  return {
    close: () => {
      for (const cancel of cancels.values()) cancel();
    },
  };
};
