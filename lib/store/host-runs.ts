import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { ConflictError, NotFoundError, SupersededError } from "../domain/errors.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { type HostRun, hostRunSchema } from "../domain/host-run.ts";
import type { RunRef } from "../domain/run.ts";
import { getAll } from "./batch-get.ts";
import { transact, type Write } from "./conditions.ts";
import { putEvent } from "./outbox.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { checkLive, endRun, putRun } from "./runs.ts";
import { keys, type Table } from "./table.ts";

type Saving = {
  readonly from: Pick<HostRun, "phase" | "cordon">;
  readonly events?: readonly DomainEvent[];
  readonly end?: boolean;
};

export const hostRunStore = (table: Table) => {
  const { client, name } = table;

  const put = (run: HostRun, condition: string, values?: Record<string, unknown>): Write => ({
    Put: {
      TableName: name,
      Item: { ...keys.hostRun(run.session_id, run.host), kind: "host_run", ...run },
      ConditionExpression: condition,
      ...(values && { ExpressionAttributeValues: values }),
    },
  });

  return {
    async get(sessionId: string, host: string): Promise<HostRun> {
      const { Item } = await client.send(
        new GetCommand({
          TableName: name,
          Key: keys.hostRun(sessionId, host),
          ConsistentRead: true,
        }),
      );
      if (Item === undefined) throw new NotFoundError(`session ${sessionId} has no host ${host}`);
      return parseRow(hostRunSchema, Item);
    },

    /** Every claimed host of the session, by name. */
    async list(sessionId: string): Promise<HostRun[]> {
      const rows = await queryAll(table, keys.session(sessionId).PK, "HOST#");
      return rows.map((row) => parseRow(hostRunSchema, row));
    },

    /** The claimed hosts among these. */
    async findAll(sessionId: string, hosts: readonly string[]): Promise<HostRun[]> {
      const rows = await getAll(
        table,
        hosts.map((host) => keys.hostRun(sessionId, host)),
      );
      return rows.map((row) => parseRow(hostRunSchema, row));
    },

    /**
     * Starts a waiting host: gives it a run, whose execution `drive` begins.
     *
     * @param cordon it is only disabled, and then waits until it is admitted
     * @returns false when it no longer waits
     * @throws SupersededError when the session's run has been taken over
     */
    async start(
      run: HostRun,
      runId: string,
      session: RunRef,
      now: string,
      { cordon = false }: { readonly cordon?: boolean } = {},
    ): Promise<boolean> {
      const { session_id, host } = run;
      const failed = await transact(table, [
        checkLive(table, session),
        put(
          { ...run, run_id: runId, phase: "DISABLING", cordon, started_at: now, phase_at: now },
          "phase = :waiting",
          { ":waiting": "WAITING" },
        ),
        ...putRun(table, { run_id: runId, machine: "host", session_id, host }, now),
      ]);
      if (failed?.[0] === false)
        throw new SupersededError(`run ${session.run_id} has been taken over`);
      return failed === null;
    },

    /**
     * Lets a cordoned host go on, or not stop after its disabling. Its clocks begin here: the time
     * it waited for its turn is not its own.
     *
     * @returns false when it is no longer cordoned
     * @throws SupersededError when the session's run has been taken over
     */
    async admit(
      { session_id, host, phase }: HostRun,
      session: RunRef,
      now: string,
    ): Promise<boolean> {
      const clocks =
        "started_at = :now, phase_at = :now, stood_still = :zero, stood_still_in_phase = :zero, standstill = :none";
      const waits = phase === "CORDONED";
      const failed = await transact(table, [
        checkLive(table, session),
        {
          Update: {
            TableName: name,
            Key: keys.hostRun(session_id, host),
            UpdateExpression: waits
              ? `SET cordon = :no, phase = :next, ${clocks}`
              : "SET cordon = :no",
            ConditionExpression: "phase = :seen AND cordon = :yes",
            ExpressionAttributeValues: {
              ":seen": phase,
              ":yes": true,
              ":no": false,
              ...(waits && { ":next": "ASKING", ":now": now, ":zero": 0, ":none": null }),
            },
          },
        },
      ]);
      if (failed?.[0] === false)
        throw new SupersededError(`run ${session.run_id} has been taken over`);
      return failed === null;
    },

    /**
     * Stores the next state of a host with the events that tell of it, under the live generation.
     *
     * @param from the state it was read in: its session may admit a cordoned host meanwhile
     * @param end also ends the run: nothing more will happen to the host until it is started again
     * @throws SupersededError when another generation has taken over
     * @throws ConflictError when the host is no longer as it was read
     */
    async save(
      ref: RunRef,
      run: HostRun,
      { from, events = [], end = false }: Saving,
    ): Promise<void> {
      const failed = await transact(table, [
        end ? endRun(table, ref) : checkLive(table, ref),
        put(
          run,
          "run_id = :run AND phase = :phase AND (attribute_not_exists(cordon) OR cordon = :cordon)",
          { ":run": ref.run_id, ":phase": from.phase, ":cordon": from.cordon },
        ),
        ...events.map((event) => putEvent(table, keys.session(run.session_id).PK, event)),
      ]);
      if (failed === null) return;
      if (failed[0] === false) throw new SupersededError(`run ${ref.run_id} has been taken over`);
      throw new ConflictError(`${run.host} is no longer ${from.phase}`);
    },
  };
};
export type HostRunStore = ReturnType<typeof hostRunStore>;
