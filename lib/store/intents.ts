import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { SupersededError } from "../domain/errors.ts";
import { later } from "../domain/instant.ts";
import { type GroupClaim, type Intent, intentSchema } from "../domain/move.ts";
import type { RunRef } from "../domain/run.ts";
import { transact, type Write } from "./conditions.ts";
import { claimGroup, distinct, freeGroup } from "./groups.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { keys, type Table } from "./table.ts";

/** How many instances may be on their way to one target at once. */
const SLOTS_PER_TARGET = 2;

/**
 * How long whoever stored an intent may still be making its call: a Lambda ends after 60 s, and what
 * it had sent by then reaches the other end within the 20 s of an HTTP time-out or never.
 */
const CALLER_SECONDS = 80;

export type NewIntent = Omit<
  Intent,
  "schema" | "run_id" | "generation" | "outcome" | "finished_at" | "details"
>;

/**
 * `exists` = this effect was begun before: ask the world what became of it. `target_taken` = the
 * target belongs to another session or has no slot left. `group_busy` = as many members of a group
 * are impacted as may be, or it still recovers. `frozen` = nothing may be done to the cloud now.
 */
export type Begun = "begun" | "exists" | "target_taken" | "group_busy" | "frozen";

/** Whether the call of an intent that the world knows nothing of may still be on its way. */
export const mayBeOnItsWay = ({ at }: Pick<Intent, "at">, now: string): boolean =>
  now < later(at, CALLER_SECONDS);

/** An effect as far as its end needs it. */
type Ending = Pick<Intent, "effect" | "target_device_id" | "groups">;
type Outcome = NonNullable<Intent["outcome"]>;

/** Names an effect over all runs: what targets and groups hold while it is under way. */
const claimOf = ({ run_id, effect }: { run_id: string; effect: string }): string =>
  `${run_id}#${effect}`;

export const intentStore = (table: Table) => {
  const { client, name } = table;

  /**
   * Read before the intent is stored, not in its transaction: a row that every effect of the cloud
   * shares would make them fail each other. What was begun when the freeze came goes on either way.
   */
  const isFrozen = async (): Promise<boolean> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.freeze(), ConsistentRead: true }),
    );
    return Item?.["frozen"] === true;
  };

  /** The target must not be another session's, and must have a slot left. */
  const claimTarget = (deviceId: string, sessionId: string, claim: string): Write[] => [
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
        UpdateExpression: "ADD inbound :claim",
        ConditionExpression: "attribute_not_exists(inbound) OR size(inbound) < :slots",
        ExpressionAttributeValues: { ":claim": new Set([claim]), ":slots": SLOTS_PER_TARGET },
      },
    },
  ];

  const freeTarget = (deviceId: string, claim: string): Write => ({
    Update: {
      TableName: name,
      Key: keys.slots(deviceId),
      UpdateExpression: "DELETE inbound :claim",
      ExpressionAttributeValues: { ":claim": new Set([claim]) },
    },
  });

  const putIntent = (ref: RunRef, intent: NewIntent): Write => ({
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
  });

  /** The end itself, and what it gives back of the target. */
  const putEnd = (
    { run_id }: RunRef,
    { effect, target_device_id }: Ending,
    { outcome, now, details }: { outcome: Outcome; now: string; details: string | null },
  ): Write[] => [
    {
      Update: {
        TableName: name,
        Key: keys.intent(run_id, effect),
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
    ...(target_device_id === null
      ? []
      : [freeTarget(target_device_id, claimOf({ run_id, effect }))]),
  ];

  /** How long the group rests from now on; null when nobody was impacted, or it needs no rest. */
  const restUntil = ({ recovery_seconds }: GroupClaim, outcome: Outcome, now: string) =>
    recovery_seconds === 0 || outcome === "refused" ? null : later(now, recovery_seconds);

  return {
    /**
     * Stores what is about to be done, under the live generation only, and claims its target and
     * its groups with it.
     *
     * @throws SupersededError when another generation has taken over
     */
    async begin(ref: RunRef, sessionId: string, intent: NewIntent): Promise<Begun> {
      if (await isFrozen()) return "frozen";
      const claim = claimOf({ run_id: ref.run_id, effect: intent.effect });
      const groups = distinct(intent.groups).map((group) =>
        claimGroup(table, group, claim, intent.at),
      );
      const failed = await transact(table, [
        checkLive(table, ref),
        putIntent(ref, intent),
        ...groups,
        ...(intent.target_device_id === null
          ? []
          : claimTarget(intent.target_device_id, sessionId, claim)),
      ]);
      if (failed === null) return "begun";
      const [live, absent, ...claimed] = failed;
      if (!live) throw new SupersededError(`run ${ref.run_id} has been taken over`);
      if (!absent) return "exists";
      return claimed.slice(0, groups.length).includes(false) ? "group_busy" : "target_taken";
    },

    /**
     * Claims the call of an effect that was begun and that the world knows nothing of. Two steps of
     * one run may both find it so; the call is the one's that claims it, and for as long as that
     * one may be making it nobody else's.
     *
     * @param intent as it was read before the world was
     * @returns whether to call now; otherwise it is looked at again later
     * @throws SupersededError when another generation has taken over
     */
    async callAgain(
      ref: RunRef,
      { run_id, effect, at }: Pick<Intent, "run_id" | "effect" | "at">,
      now: string,
    ): Promise<boolean> {
      if (mayBeOnItsWay({ at }, now) || (await isFrozen())) return false;
      const failed = await transact(table, [
        checkLive(table, ref),
        {
          Update: {
            TableName: name,
            Key: keys.intent(run_id, effect),
            UpdateExpression: "SET #at = :now",
            ConditionExpression: "outcome = :none AND #at = :at",
            ExpressionAttributeNames: { "#at": "at" },
            ExpressionAttributeValues: { ":now": now, ":at": at, ":none": null },
          },
        },
      ]);
      if (failed?.[0] === false) throw new SupersededError(`run ${run_id} has been taken over`);
      return failed === null;
    },

    /**
     * Stores how an effect ended, under the live generation only, and gives back what it held of its
     * target and its groups; safe to repeat, and when it was never begun. Whoever has been taken
     * over knows how its own call ended, and not whether the effect has been called again since.
     *
     * @throws SupersededError when another generation has taken over
     */
    async finish(
      ref: RunRef,
      intent: Ending,
      outcome: Outcome,
      now: string,
      details: string | null = null,
    ): Promise<void> {
      const claim = claimOf({ run_id: ref.run_id, effect: intent.effect });
      const groups = distinct(intent.groups);
      let rests = groups.map((group) => restUntil(group, outcome, now));
      const end = [checkLive(table, ref), ...putEnd(ref, intent, { outcome, now, details })];
      for (;;) {
        const frees = groups.map((group, n) => freeGroup(table, group, claim, rests[n] ?? null));
        const failed = await transact(table, [...end, ...frees]);
        if (failed === null) return;
        const [live, open] = failed;
        if (!live) throw new SupersededError(`run ${ref.run_id} has been taken over`);
        if (!open) return;
        const freed = failed.slice(end.length);
        // These groups rest for longer already.
        rests = rests.map((rest, n) => (freed[n] ? rest : null));
      }
    },

    /** Every effect of the run, finished or not, in the order of their names. */
    async list(runId: string): Promise<Intent[]> {
      const rows = await queryAll(table, keys.run(runId).PK, "INTENT#");
      return rows.map((row) => parseRow(intentSchema, row));
    },
  };
};
export type IntentStore = ReturnType<typeof intentStore>;
