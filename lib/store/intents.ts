import { SupersededError } from "../domain/errors.ts";
import { type Intent, intentSchema } from "../domain/move.ts";
import type { RunRef } from "../domain/run.ts";
import { transact, type Write } from "./conditions.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { keys, type Table } from "./table.ts";

/** How many instances may be on their way to one target at once. */
const SLOTS_PER_TARGET = 2;

export type NewIntent = Omit<
  Intent,
  "schema" | "run_id" | "generation" | "outcome" | "finished_at" | "details"
>;

export const intentStore = (table: Table) => {
  const { name } = table;

  /** The target must not be another session's, and must have a slot left. */
  const claimTarget = (deviceId: string, sessionId: string, effect: string): Write[] => [
    {
      ConditionCheck: {
        TableName: name,
        Key: keys.owner(deviceId),
        ConditionExpression: "attribute_not_exists(PK) OR session_id = :session",
        ExpressionAttributeValues: { ":session": sessionId },
      },
    },
    {
      Update: {
        TableName: name,
        Key: keys.slots(deviceId),
        UpdateExpression: "ADD inbound :effect",
        ConditionExpression: "attribute_not_exists(inbound) OR size(inbound) < :slots",
        ExpressionAttributeValues: { ":effect": new Set([effect]), ":slots": SLOTS_PER_TARGET },
      },
    },
  ];

  return {
    /**
     * Stores what is about to be done, under the live generation only.
     *
     * @returns `begun`; `exists` when this effect was begun before (ask the world what became of
     *   it); `taken` when the target belongs to another session or has no slot left
     * @throws SupersededError when another generation has taken over
     */
    async begin(
      ref: RunRef,
      sessionId: string,
      intent: NewIntent,
    ): Promise<"begun" | "exists" | "taken"> {
      const failed = await transact(table, [
        checkLive(table, ref),
        {
          Put: {
            TableName: name,
            Item: {
              ...keys.intent(ref.run_id, intent.effect),
              kind: "intent",
              schema: 1,
              run_id: ref.run_id,
              generation: ref.generation,
              ...intent,
              outcome: null,
              finished_at: null,
              details: null,
            },
            ConditionExpression: "attribute_not_exists(PK)",
          },
        },
        ...(intent.target_device_id === null
          ? []
          : claimTarget(intent.target_device_id, sessionId, `${ref.run_id}#${intent.effect}`)),
      ]);
      if (failed === null) return "begun";
      const [live, absent] = failed;
      if (!live) throw new SupersededError(`run ${ref.run_id} has been taken over`);
      return absent ? "taken" : "exists";
    },

    /** Stores how an effect ended and gives its target's slot back; safe to repeat. */
    async finish(
      intent: Pick<Intent, "run_id" | "effect" | "target_device_id">,
      outcome: NonNullable<Intent["outcome"]>,
      now: string,
      details: string | null = null,
    ): Promise<void> {
      const effect = `${intent.run_id}#${intent.effect}`;
      await transact(table, [
        {
          Update: {
            TableName: name,
            Key: keys.intent(intent.run_id, intent.effect),
            UpdateExpression: "SET outcome = :outcome, finished_at = :now, details = :details",
            ConditionExpression: "outcome = :none",
            ExpressionAttributeValues: {
              ":outcome": outcome,
              ":now": now,
              ":details": details,
              ":none": null,
            },
          },
        },
        ...(intent.target_device_id === null
          ? []
          : [
              {
                Update: {
                  TableName: name,
                  Key: keys.slots(intent.target_device_id),
                  UpdateExpression: "DELETE inbound :effect",
                  ExpressionAttributeValues: { ":effect": new Set([effect]) },
                },
              },
            ]),
      ]);
    },

    /** Every effect of the run, finished or not, in the order of their names. */
    async list(runId: string): Promise<Intent[]> {
      const rows = await queryAll(table, keys.run(runId).PK, "INTENT#");
      return rows.map((row) => parseRow(intentSchema, row));
    },
  };
};
export type IntentStore = ReturnType<typeof intentStore>;
