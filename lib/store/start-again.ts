import type { DomainEvent } from "../domain/events/event.ts";
import type { HostRun } from "../domain/host-run.ts";
import type { RunRef } from "../domain/run.ts";
import type { Session } from "../domain/session.ts";
import { transact } from "./conditions.ts";
import { putOwner } from "./ownership.ts";
import { putRun, reviveRun } from "./runs.ts";
import { putNext } from "./sessions.ts";
import { keys, type Table } from "./table.ts";

/** A finished host that goes on, and what that does to its session: as read and as it will be. */
type Again = {
  readonly host: { readonly seen: HostRun; readonly next: HostRun & { readonly run_id: string } };
  readonly session: {
    readonly seen: Session;
    readonly next: Session;
    readonly event: DomainEvent;
  };
  /** The session's run, when it has ended. */
  readonly ended: RunRef | null;
  readonly now: string;
};

/**
 * Lets a finished host go on under a fresh run: its session owns it, is open and has a run that is
 * alive, all in one moment.
 *
 * @returns `owned` when another session owns the host; `moved` when host, session or run are no
 *   longer as they were read
 */
export const startAgain = async (
  table: Table,
  { host: { seen, next }, session, ended, now }: Again,
): Promise<"started" | "owned" | "moved"> => {
  const { session_id, host, run_id } = next;
  const failed = await transact(table, [
    putOwner(table, next),
    {
      Put: {
        TableName: table.name,
        Item: { ...keys.hostRun(session_id, host), kind: "host_run", ...next },
        ConditionExpression: "phase = :finished AND outcome = :outcome AND run_id = :run",
        ExpressionAttributeValues: {
          ":finished": "FINISHED",
          ":outcome": seen.outcome,
          ":run": seen.run_id,
        },
      },
    },
    ...putRun(table, { run_id, machine: "host", session_id, host }, now),
    ...putNext(table, session.seen, session),
    ...(ended === null ? [] : reviveRun(table, ended, now)),
  ]);
  if (failed === null) return "started";
  return failed[0] === false ? "owned" : "moved";
};
