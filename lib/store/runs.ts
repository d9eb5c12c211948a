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
  /**
   * With any of these the run may be waiting. Step Functions may try to park it again, under another
   * token, while it still hears nothing of the last try: which of them it knows is not told.
   */
  tokens: z.set(z.string()).default(new Set()),
  /** As it was stored before there were several. */
  token: z.string().optional(),
  /** The wake count at which they were stored. */
  parked_seq: z.int().optional(),
});

const tokensOf = ({ tokens, token }: z.infer<typeof wakeSchema>): string[] => [
  ...tokens,
  ...(token === undefined ? [] : [token]),
];

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
    UpdateExpression: "SET generation = :next ADD seq :one REMOVE #token, tokens, parked_at",
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

  /** @param store how the token is stored: the beginning of an update expression */
  const parkWake = (
    { run_id, generation }: RunRef,
    { seen, token, now }: Parking,
    store: string,
    condition: string,
  ): Write => ({
    Update: {
      TableName: name,
      Key: keys.wake(run_id),
      UpdateExpression: `${store}parked_seq = :seen, parked_at = :now REMOVE #token`,
      ConditionExpression: `seq = :seen AND generation = :generation AND (${condition})`,
      ExpressionAttributeNames: { "#token": "token" },
      ExpressionAttributeValues: {
        ":token": new Set([token]),
        ":seen": seen,
        ":now": now,
        ":generation": generation,
      },
    },
  });

  const parkRun = ({ run_id, generation }: RunRef, { now, wakeAt }: Parking): Write => ({
    Update: {
      TableName: name,
      Key: keys.run(run_id),
      UpdateExpression: "SET due_at = :due, wake_at = :wake_at",
      ConditionExpression: LIVE,
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ":due": earlier(wakeAt, later(now, TAKEOVER_SECONDS)),
        ":wake_at": wakeAt,
        ":generation": generation,
        ":active": "active",
      },
    },
  });

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
     * Stores the token by which the waiting execution is woken, next to those of other tries of the
     * same state, in place of those of earlier ones.
     *
     * @returns false when something happened since, or the run waits in a later state: the caller
     *   answers its own token at once
     */
    async park(ref: RunRef, parking: Parking): Promise<boolean> {
      const isFirst = "attribute_not_exists(parked_at) OR parked_at < :now";
      const write = (token: string, condition: string) =>
        transact(table, [parkWake(ref, parking, token, condition), parkRun(ref, parking)]);
      if ((await write("SET tokens = :token, ", isFirst)) === null) return true;
      return (await write("ADD tokens :token SET ", "parked_at = :now")) === null;
    },

    /**
     * Counts a wake.
     *
     * @returns the tokens of whoever waits; none when nobody does, or no such run exists
     */
    async wake(runId: string): Promise<string[]> {
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
        return tokensOf(parseRow(wakeSchema, Attributes ?? {}));
      } catch (error) {
        if (isConditionFailure(error)) return [];
        throw error;
      }
    },

    /** The tokens of a run that was to be woken and may not have been; none when all is well. */
    async missedWake(runId: string): Promise<string[]> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.wake(runId), ConsistentRead: true }),
      );
      const wake = parseRow(wakeSchema, Item ?? {});
      return wake.seq > (wake.parked_seq ?? wake.seq) ? tokensOf(wake) : [];
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
