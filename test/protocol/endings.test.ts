import { expect, test } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { later } from "../../lib/domain/instant.ts";
import { type RunRef, TAKEOVER_SECONDS } from "../../lib/domain/run.ts";
import { intentStore, type NewIntent } from "../../lib/store/intents.ts";
import { runStore } from "../../lib/store/runs.ts";
import { NOW, startRun } from "../store/dynamodb.ts";
import { EVERYTHING, everyInterleaving, newStage, type Step } from "./interleave.ts";
import { openNearTable } from "./table.ts";

const { table } = openNearTable();
const intents = intentStore(table);
const runs = runStore(table);

const AFTERWARDS = later(NOW, TAKEOVER_SECONDS);

const moveOf = (instance: string, group: string): NewIntent => ({
  effect: `live_migrate#${instance}#001`,
  request_id: "req-1",
  at: NOW,
  instance_id: instance,
  target: null,
  target_device_id: null,
  newest_migration: 0,
  groups: [{ id: group, max_impacted_members: 1, recovery_seconds: 0 }],
});

const fineIfSuperseded = (error: unknown): void => {
  if (!(error instanceof SupersededError)) throw error;
};

/** Ways to be taken over, each with what the successor works under. */
const TAKEOVERS: Readonly<Record<string, (ref: RunRef) => Promise<RunRef>>> = {
  "the next generation": async (ref) => {
    await runs.supersede(ref, AFTERWARDS);
    return { ...ref, generation: ref.generation + 1 };
  },
  "the next turn": async (ref) => {
    const { rounds } = await runs.heartbeat(ref, AFTERWARDS);
    return { ...ref, turn: rounds };
  },
};

test.each(Object.entries(TAKEOVERS))(
  "a move that %s has called again is not ended by whoever was refused before: every interleaving",
  async (_, takeOver) => {
    let calledAgain = 0;
    let endedBefore = 0;
    await everyInterleaving(async (choose) => {
      const began = await startRun(table, "cmp-01");
      const { rounds } = await runs.heartbeat(began, NOW);
      const ref = { ...began, turn: rounds };
      const group = crypto.randomUUID();
      const move = moveOf("a", group);
      await intents.begin(ref, "session-1", move);
      let isOnItsWay = false;

      /** Its call was refused, and it slept over that: the instance was in another task, which has ended. */
      const sleeper = (step: Step) =>
        step(() => intents.finish(ref, move, "refused", AFTERWARDS)).catch(fineIfSuperseded);
      const successor = async (step: Step) => {
        const mine = await step(() => takeOver(began));
        const [intent] = await step(() => intents.list(ref.run_id));
        if (intent === undefined || intent.outcome !== null) return;
        isOnItsWay = await step(() => intents.callAgain(mine, intent, AFTERWARDS));
      };
      const stage = newStage();
      await stage.enter({ name: "sleeper", play: sleeper });
      await stage.enter({ name: "successor", play: successor });
      for (;;) {
        const possible = stage.waiting().map(({ name }) => ({ is: name, touches: [EVERYTHING] }));
        const choice = choose(possible);
        if (choice === null) break;
        await stage.act(choice);
      }

      if (isOnItsWay) calledAgain += 1;
      else endedBefore += 1;
      const [intent] = await intents.list(ref.run_id);
      expect(intent?.outcome).toBe(isOnItsWay ? null : "refused");
      const other = await startRun(table, "cmp-02");
      const next = await intents.begin(other, "session-2", moveOf("b", group));
      expect(next).toBe(isOnItsWay ? "group_busy" : "begun");
    });

    expect(calledAgain).toBeGreaterThan(0);
    expect(endedBefore).toBeGreaterThan(0);
  },
);
