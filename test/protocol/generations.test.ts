import fc from "fast-check";
import { expect, test } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { later } from "../../lib/domain/instant.ts";
import { type Intent, verdictOn } from "../../lib/domain/move.ts";
import { type RunRef, TAKEOVER_SECONDS } from "../../lib/domain/run.ts";
import { intentStore, mayBeOnItsWay, type NewIntent } from "../../lib/store/intents.ts";
import { runStore } from "../../lib/store/runs.ts";
import { NOW, startRun } from "../store/dynamodb.ts";
import { type FakeCloud, fakeCloud } from "./cloud.ts";
import { newStage, PATIENCE_MS, type Stage, type Step } from "./interleave.ts";
import { openNearTable } from "./table.ts";

const { table } = openNearTable();
const intents = intentStore(table);
const runs = runStore(table);

/** Lambda ends a step after this long. */
const LAMBDA_SECONDS = 60;

type World = {
  readonly cloud: FakeCloud;
  readonly stage: Stage;
  ref: RunRef;
  now: string;
  /** Tries of steps that have begun, by the instant at which Lambda ends them. */
  readonly tries: { readonly name: string; readonly until: string }[];
};

/** What a try of the step works with, fixed when it begins. */
type Turn = {
  readonly world: World;
  readonly ref: RunRef;
  readonly now: string;
  readonly step: Step;
};

const newIntent = (effect: string, now: string, instance: string | null): NewIntent => ({
  effect,
  request_id: "req-1",
  at: now,
  instance_id: instance,
  target: null,
  target_device_id: null,
  newest_migration: 0,
  groups: [],
});

/** One call to the outside; its answer may be lost, early or late. */
const call = async ({ world, step }: Turn, effect: string) => {
  const request = await step(async () => world.cloud.send(effect, world.now));
  return step(async () => request.reply);
};

const settle = (
  { step, world, ref }: Turn,
  intent: Intent | NewIntent,
  outcome: "done" | "failed",
) => step(() => intents.finish(ref, intent, outcome, world.now));

/** Begins a move as MoveInstances does: the newest migration is read before the intent is stored. */
const beginMove = async (turn: Turn, tried: number) => {
  const { step, world, ref, now } = turn;
  const newest_migration = await step(async () => world.cloud.newestMigration());
  const effect = `live_migrate#instance-1#${tried + 1}`;
  const intent = { ...newIntent(effect, now, "instance-1"), newest_migration };
  if ((await step(() => intents.begin(ref, "session-1", intent))) !== "begun") return;
  if ((await call(turn, effect)) === "refused") await settle(turn, intent, "failed");
};

/** Asks what became of a move that was begun, and calls again when nobody has heard of it. */
const judgeMove = async (turn: Turn, intent: Intent) => {
  const { step, world, ref, now } = turn;
  // In this order: a call that has ended before the one was read has its row by the other.
  const isIdle = await step(async () => !world.cloud.isBusy());
  const verdict = verdictOn(intent, await step(async () => world.cloud.migrations()));
  if (verdict === "done" || verdict === "failed") return settle(turn, intent, verdict);
  if (verdict !== "unseen" || !isIdle || mayBeOnItsWay(intent, now)) return;
  if (!(await step(() => intents.callAgain(ref, intent, now)))) return;
  if ((await call(turn, intent.effect)) === "refused") await settle(turn, intent, "failed");
};

/** Work that may have been ordered is never ordered again. */
const orderWork = async (turn: Turn, before: readonly Intent[]) => {
  const { step, ref, now } = turn;
  if (before.some(({ outcome }) => outcome !== "failed")) return;
  const intent = newIntent(`action#0#${before.length + 1}`, now, null);
  if ((await step(() => intents.begin(ref, "session-1", intent))) !== "begun") return;
  if ((await call(turn, intent.effect)) === "taken") await settle(turn, intent, "done");
};

/** One try of the host run's step: it takes its turn, reads its intents, and goes on from there. */
const aTry = async (world: World, step: Step) => {
  const { now, ref: of } = world;
  try {
    const live = await step(() => runs.heartbeat(of, now));
    const turn = { world, now, step, ref: { ...of, turn: live.rounds } };
    const all = await step(() => intents.list(of.run_id));
    const moves = all.filter(({ instance_id }) => instance_id !== null);
    const open = moves.find(({ outcome }) => outcome === null);
    if (open !== undefined) await judgeMove(turn, open);
    else if (!world.cloud.hasLeft()) await beginMove(turn, moves.length);
    await orderWork(
      turn,
      all.filter(({ instance_id }) => instance_id === null),
    );
  } catch (error) {
    if (!(error instanceof SupersededError)) throw error;
  }
};

const beginTry = async (world: World) => {
  const name = `try ${world.tries.length + 1}`;
  world.tries.push({ name, until: later(world.now, LAMBDA_SECONDS) });
  await world.stage.enter({ name, play: (step) => aTry(world, step) });
};

const letTimePass = (world: World, seconds: number) => {
  world.now = later(world.now, seconds);
  for (const { name, until } of world.tries) if (until < world.now) world.stage.kill(name);
};

/** As tick does: the execution is dead, and its last step began long enough ago. */
const takeOver = async (world: World) => {
  const { heartbeat_at } = await runs.get(world.ref.run_id);
  if (world.now < later(heartbeat_at, TAKEOVER_SECONDS)) return;
  if (!(await runs.supersede(world.ref, world.now))) return;
  world.ref = { ...world.ref, generation: world.ref.generation + 1 };
  await beginTry(world);
};

const happenings: readonly ((world: World) => Promise<void> | void)[] = [
  // Step Functions tries the step again, or goes to it anew.
  beginTry,
  (world) => world.stage.kill(world.stage.waiting()[0]?.name ?? ""),
  (world) => letTimePass(world, 15),
  (world) => letTimePass(world, 45),
  (world) => letTimePass(world, TAKEOVER_SECONDS),
  takeOver,
  takeOver,
  ...Array.from(
    { length: 4 },
    () =>
      ({ cloud, now }: World) =>
        cloud.receive(now),
  ),
  ...Array.from(
    { length: 2 },
    () =>
      ({ cloud }: World) =>
        cloud.goOn(false),
  ),
  ({ cloud }) => cloud.goOn(true),
];

const openMoves = async ({ ref }: World): Promise<Intent[]> =>
  (await intents.list(ref.run_id)).filter(
    ({ outcome, instance_id }) => outcome === null && instance_id !== null,
  );

/** Everything that is under way ends, then the run is tried until it has nothing left to do. */
const calmDown = async (world: World) => {
  for (let round = 0; round < 12; round++) {
    letTimePass(world, TAKEOVER_SECONDS);
    await beginTry(world);
    while (world.stage.waiting().length > 0) {
      await world.stage.act(0);
      world.cloud.receive(world.now);
    }
    if (world.cloud.hasLeft() && (await openMoves(world)).length === 0) return;
    world.cloud.goOn(true);
    world.cloud.goOn(true);
  }
};

test(
  "two generations of a host run, and two tries of one step, never have a call accepted twice: 10,000 races",
  async () => {
    const seen = new Set<string>();
    let supersededRaces = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(99), { minLength: 10, maxLength: 30 }), async (choices) => {
        const ref = await startRun(table, "cmp-01");
        const world: World = { cloud: fakeCloud(), stage: newStage(), ref, now: NOW, tries: [] };
        await beginTry(world);
        for (const choice of choices) {
          const waiting = world.stage.waiting().length;
          if (waiting > 0 && choice < 60) await world.stage.act(choice % waiting);
          else await happenings[choice % happenings.length]?.(world);
        }
        if (world.ref.generation > 1) supersededRaces += 1;
        await calmDown(world);

        for (const [effect, times] of world.cloud.accepted) expect(times, effect).toBe(1);
        expect(world.cloud.orders()).toBeLessThanOrEqual(1);
        expect(world.cloud.hasLeft()).toBe(true);
        expect(await openMoves(world)).toEqual([]);
        seen.add(choices.join());
      }),
      { numRuns: 10_000 },
    );
    expect(seen.size).toBeGreaterThan(9_500);
    expect(supersededRaces).toBeGreaterThan(1_000);
  },
  PATIENCE_MS,
);
