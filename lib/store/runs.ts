import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { NotFoundError, SupersededError } from "../domain/errors.ts";
import { later } from "../domain/instant.ts";
import { type Run, type RunRef, runSchema, TAKEOVER_SECONDS } from "../domain/run.ts";
import { isConditionFailure, transact, type Write } from "./conditions.ts";
import { queryDue, queryIndex } from "./query.ts";
import { parseRow } from "./rows.ts";
import { due, keys, type Table } from "./table.ts";

const wakeSchema = z.object({
  seq: z.int(),
  token: z.string().optional(),
  /** The wake count at which the token was stored. */
  parked_seq: z.int().optional(),
});

type NewRun = Pick<Run, "run_id" | "machine" | "session_id" | "host">;

type Parking = {
  /** The wake count read before the world was. */
  readonly seen: number;
  readonly token: string;
  readonly now: string;
  readonly wakeAt: string;
};

const earlier = (a: string, b: string): string => (a < b ? a : b);

/** Condition of every write that only the live generation may make. */
const LIVE = "generation = :generation AND #status = :active";

/** The condition, and its values, under which this generation, and this turn of it, may write. */
const ifLive = ({ generation, turn }: RunRef) => ({
  condition: turn === undefined ? LIVE : `${LIVE} AND rounds = :turn`,
  values: {
    ":generation": generation,
    ":active": "active",
    ...(turn !== undefined && { ":turn": turn }),
  },
});

/** The check that fences a transaction: it fails once another generation or turn has taken over. */
export const checkLive = ({ name }: Table, ref: RunRef): Write => ({
  ConditionCheck: {
    TableName: name,
    Key: keys.run(ref.run_id),
    ConditionExpression: ifLive(ref).condition,
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: ifLive(ref).values,
  },
});

/** The writes that bring a run into being; `drive` starts its execution when it sees them. */
export const putRun = ({ name }: Table, run: NewRun, now: string): Write[] => [
  {
    Put: {
      TableName: name,
      Item: {
        ...keys.run(run.run_id),
        kind: "run",
        schema: 1,
        ...run,
        generation: 1,
        status: "active",
        heartbeat_at: now,
        rounds: 0,
        due: due.run,
        due_at: later(now, TAKEOVER_SECONDS / 2),
      },
      ConditionExpression: "attribute_not_exists(PK)",
    },
  },
  {
    Put: {
      TableName: name,
      Item: { ...keys.wake(run.run_id), kind: "wake", run_id: run.run_id, seq: 0, generation: 1 },
      ConditionExpression: "attribute_not_exists(PK)",
    },
  },
];

/** The write that ends a run for good; its last execution has nothing left to do. */
export const endRun = ({ name }: Table, ref: RunRef): Write => ({
  Update: {
    TableName: name,
    Key: keys.run(ref.run_id),
    UpdateExpression: "SET #status = :ended REMOVE #due, due_at",
    ConditionExpression: ifLive(ref).condition,
    ExpressionAttributeNames: { "#status": "status", "#due": "due" },
    ExpressionAttributeValues: { ...ifLive(ref).values, ":ended": "ended" },
  },
});

/**
 * The writes by which a run that has ended goes on in a new generation, which `drive` starts. They
 * fail when it has not ended, or somebody else has revived it.
 */
export const reviveRun = (
  { name }: Table,
  { run_id, generation }: RunRef,
  now: string,
): Write[] => [
  {
    Update: {
      TableName: name,
      Key: keys.run(run_id),
      UpdateExpression:
        "SET #status = :active, generation = :next, heartbeat_at = :now, rounds = :zero, #due = :run, due_at = :due REMOVE wake_at",
      ConditionExpression: "generation = :generation AND #status = :ended",
      ExpressionAttributeNames: { "#status": "status", "#due": "due" },
      ExpressionAttributeValues: {
        ":active": "active",
        ":ended": "ended",
        ":generation": generation,
        ":next": generation + 1,
        ":now": now,
        ":zero": 0,
        ":run": due.run,
        ":due": later(now, TAKEOVER_SECONDS / 2),
      },
    },
  },
  nextWake(name, run_id, generation + 1),
];

/** The write that lets only the next generation be woken. */
const nextWake = (name: string, runId: string, generation: number): Write => ({
  Update: {
    TableName: name,
    Key: keys.wake(runId),
    UpdateExpression: "SET generation = :next ADD seq :one REMOVE #token",
    ExpressionAttributeNames: { "#token": "token" },
    ExpressionAttributeValues: { ":next": generation, ":one": 1 },
  },
});

export const runStore = (table: Table) => {
  const { client, name } = table;

  const update = async (ref: RunRef, expression: string, values: Record<string, unknown>) => {
    try {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName: name,
          Key: keys.run(ref.run_id),
          UpdateExpression: expression,
          ConditionExpression: LIVE,
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: {
            ":generation": ref.generation,
            ":active": "active",
            ...values,
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      return parseRow(runSchema, Attributes ?? {});
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      const message = `generation ${ref.generation} of run ${ref.run_id} is over`;
      throw new SupersededError(message, { cause: error });
    }
  };

  return {
    async get(runId: string): Promise<Run> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.run(runId), ConsistentRead: true }),
      );
      if (Item === undefined) throw new NotFoundError(`no run ${runId}`);
      return parseRow(runSchema, Item);
    },

    /** Says that a step is at work; `tick` leaves the run alone for TAKEOVER_SECONDS. */
    heartbeat: (ref: RunRef, now: string): Promise<Run> =>
      update(ref, "SET heartbeat_at = :now, due_at = :due ADD rounds :one REMOVE wake_at", {
        ":now": now,
        ":due": later(now, TAKEOVER_SECONDS),
        ":one": 1,
      }),

    /** The wake count, read before the world: `park` refuses to sleep on anything newer. */
    async readSeq(runId: string): Promise<number> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.wake(runId), ConsistentRead: true }),
      );
      return parseRow(wakeSchema, Item ?? {}).seq;
    },

    /**
     * Stores the token by which the waiting execution is woken.
     *
     * @returns false when something happened since: the caller answers its own token at once
     */
    async park(ref: RunRef, { seen, token, now, wakeAt }: Parking): Promise<boolean> {
      const failed = await transact(table, [
        {
          Update: {
            TableName: name,
            Key: keys.wake(ref.run_id),
            UpdateExpression: "SET #token = :token, parked_seq = :seen",
            ConditionExpression: "seq = :seen AND generation = :generation",
            ExpressionAttributeNames: { "#token": "token" },
            ExpressionAttributeValues: {
              ":token": token,
              ":seen": seen,
              ":generation": ref.generation,
            },
          },
        },
        {
          Update: {
            TableName: name,
            Key: keys.run(ref.run_id),
            UpdateExpression: "SET due_at = :due, wake_at = :wake_at",
            ConditionExpression: LIVE,
            ExpressionAttributeNames: { "#status": "status" },
            ExpressionAttributeValues: {
              ":due": earlier(wakeAt, later(now, TAKEOVER_SECONDS)),
              ":wake_at": wakeAt,
              ":generation": ref.generation,
              ":active": "active",
            },
          },
        },
      ]);
      return failed === null;
    },

    /**
     * Counts a wake.
     *
     * @returns the token of whoever waits; null when nobody does, or no such run exists
     */
    async wake(runId: string): Promise<string | null> {
      try {
        const { Attributes } = await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keys.wake(runId),
            UpdateExpression: "ADD seq :one",
            ConditionExpression: "attribute_exists(PK)",
            ExpressionAttributeValues: { ":one": 1 },
            ReturnValues: "ALL_NEW",
          }),
        );
        return parseRow(wakeSchema, Attributes ?? {}).token ?? null;
      } catch (error) {
        if (isConditionFailure(error)) return null;
        throw error;
      }
    },

    /** The token of a run that was to be woken and may not have been; null when all is well. */
    async missedWake(runId: string): Promise<string | null> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.wake(runId), ConsistentRead: true }),
      );
      const { seq, token = null, parked_seq = seq } = parseRow(wakeSchema, Item ?? {});
      return seq > parked_seq ? token : null;
    },

    /** Hands the run to its next generation; false when somebody else has done so already. */
    async supersede({ run_id, generation }: RunRef, now: string): Promise<boolean> {
      const failed = await transact(table, [
        {
          Update: {
            TableName: name,
            Key: keys.run(run_id),
            UpdateExpression:
              "SET generation = :next, heartbeat_at = :now, rounds = :zero, due_at = :due REMOVE wake_at",
            ConditionExpression: LIVE,
            ExpressionAttributeNames: { "#status": "status" },
            ExpressionAttributeValues: {
              ":next": generation + 1,
              ":now": now,
              ":zero": 0,
              ":due": later(now, TAKEOVER_SECONDS / 2),
              ":generation": generation,
              ":active": "active",
            },
          },
        },
        nextWake(name, run_id, generation + 1),
      ]);
      return failed === null;
    },

    /** Leaves a run that waits in peace alone until `tick` looks at it again. */
    async postpone(run: Run, now: string): Promise<void> {
      await update(run, "SET due_at = :due", { ":due": later(now, TAKEOVER_SECONDS) });
    },

    /** Every active run, as far as the index knows: one that is missed looks by itself, later. */
    async active(): Promise<Run[]> {
      const rows = await queryIndex(table, "due", "due", due.run);
      return rows.map((row) => parseRow(runSchema, row));
    },

    /** Active runs that should have shown a sign of life, or been woken, by `now`. */
    async due(now: string, limit: number): Promise<Run[]> {
      return (await queryDue(table, due.run, now, limit)).map((row) => parseRow(runSchema, row));
    },
  };
};
export type RunStore = ReturnType<typeof runStore>;
