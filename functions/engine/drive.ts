import { readSettings } from "../../lib/config.ts";
import { isActive } from "../../lib/domain/host-run.ts";
import { type Reaction, reactionsTo } from "../../lib/domain/wake.ts";
import { executions, sendWake } from "../../lib/engine/executions.ts";
import { streamBatch } from "../../lib/lambda/stream-batch.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { runStore } from "../../lib/store/runs.ts";
import { changedRow } from "../../lib/store/stream.ts";
import { openTable } from "../../lib/store/table.ts";

const { TABLE_NAME, SESSION_MACHINE_ARN, HOST_MACHINE_ARN } = readSettings();
const table = openTable(TABLE_NAME);
const runs = runStore(table);
const hostRuns = hostRunStore(table);
const machines = executions({ session: SESSION_MACHINE_ARN, host: HOST_MACHINE_ARN });

/**
 * Reads the table's stream: starts the execution of each new run or generation, and wakes the runs
 * that wait for what changed. Every reaction may be made twice.
 */
export const handler = streamBatch(async (record) => {
  const { before, after } = changedRow(record);
  for (const reaction of reactionsTo(before, after)) await react(reaction);
});

const react = async (reaction: Reaction): Promise<void> => {
  switch (reaction.act) {
    case "start":
      return machines.start(await runs.get(reaction.run_id));
    case "wake":
      return wake(reaction.run_id);
    case "wake_all": {
      for (const { run_id } of await runs.active()) await wake(run_id);
      return;
    }
    case "wake_session": {
      await wake(reaction.session_id);
      for (const run of await hostRuns.list(reaction.session_id))
        if (isActive(run) && run.run_id !== null) await wake(run.run_id);
    }
  }
};

const wake = async (runId: string): Promise<void> => {
  for (const token of await runs.wake(runId)) await sendWake(token);
};
