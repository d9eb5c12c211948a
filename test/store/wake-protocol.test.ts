import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { later } from "../../lib/domain/instant.ts";
import type { RunRef } from "../../lib/domain/run.ts";
import { type RunStore, runStore } from "../../lib/store/runs.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

/** One generation of a run: it reads the wake count, then the world, then goes to sleep. */
type Planner = {
  readonly ref: RunRef;
  seq: number | null;
  /** Facts there were when it read the world. */
  read: number | null;
  token: string | null;
};

/** What is known outside the table; the table holds the protocol's own state. */
type World = {
  readonly runs: RunStore;
  planner: Planner;
  /** A planner of an older generation that has not noticed yet. */
  stale: Planner | null;
  /** Facts that were written; each is known by its number, from 1. */
  facts: number;
  /** The fact that a finisher has written and not yet told of, by the finisher's name. */
  readonly untold: Map<string, number>;
  /** The newest fact whose wake was counted by somebody who died before sending it. */
  lost: number;
  /** The newest fact that somebody has been woken for. */
  told: number;
  readonly answered: Set<string>;
  tokens: number;
};

/** The place the planner stands at; the model only steers which command may come next. */
type Model = { at: "start" | "counted" | "read" | "asleep"; stale: boolean };

const isAsleep = ({ planner, answered }: World): boolean =>
  planner.token !== null && !answered.has(planner.token);

/** The property: whoever sleeps has read every fact that it has been woken for. */
const expectNothingMissed = (world: World) => {
  if (isAsleep(world)) expect(world.planner.read).toBeGreaterThanOrEqual(world.told);
};

type Command = fc.AsyncCommand<Model, World>;

const command = (
  name: string,
  check: (model: Model) => boolean,
  act: (model: Model, world: World) => Promise<void>,
): Command => ({
  check,
  run: async (model, world) => {
    await act(model, world);
    expectNothingMissed(world);
  },
  toString: () => name,
});

const startOver = (ref: RunRef): Planner => ({ ref, seq: null, read: null, token: null });

const parking = ({ seq }: Planner, token: string) => ({
  seen: seq ?? 0,
  token,
  now: NOW,
  wakeAt: later(NOW, 600),
});

/** Whether it wakes up decides the table, so the model learns it from there. */
const notice = (model: Model, world: World) => {
  if (model.at !== "asleep" || isAsleep(world)) return;
  model.at = "start";
  world.planner = startOver(world.planner.ref);
};

const sendWake = async (model: Model, world: World) => {
  for (const token of await world.runs.wake(world.planner.ref.run_id)) world.answered.add(token);
  notice(model, world);
};

/** First the wake count, then the world, then sleep: whatever comes in between. */
const goOn = command(
  "the planner goes on",
  ({ at }) => at !== "asleep",
  async (model, world) => {
    const { planner, runs, facts } = world;
    if (model.at === "start") {
      planner.seq = await runs.readSeq(planner.ref.run_id);
      model.at = "counted";
    } else if (model.at === "counted") {
      planner.read = facts;
      model.at = "read";
    } else {
      planner.token = `token-${world.tokens++}`;
      model.at = "asleep";
      if (!(await runs.park(planner.ref, parking(planner, planner.token))))
        world.answered.add(planner.token);
      notice(model, world);
    }
  },
);

const sleepThoughOld = command(
  "goes to sleep in an old generation",
  ({ stale }) => stale,
  async (_, { stale, runs }) => {
    if (stale === null) return;
    expect(await runs.park(stale.ref, parking(stale, "old"))).toBe(false);
  },
);

/** Whoever changes something writes the fact first and wakes then. */
const finisher = (name: string) =>
  command(
    `${name} goes on`,
    () => true,
    async (model, world) => {
      const fact = world.untold.get(name);
      if (fact === undefined) {
        world.facts += 1;
        world.untold.set(name, world.facts);
      } else {
        await sendWake(model, world);
        world.untold.delete(name);
        world.told = Math.max(world.told, fact);
      }
    },
  );

const dieAfterCount = command(
  "a finisher dies between count and send",
  () => true,
  async (_, world) => {
    world.facts += 1;
    world.lost = world.facts;
    await world.runs.wake(world.planner.ref.run_id);
  },
);

const tick = command(
  "tick looks for a missed wake",
  () => true,
  async (model, world) => {
    const tokens = await world.runs.missedWake(world.planner.ref.run_id);
    for (const token of tokens) world.answered.add(token);
    world.told = Math.max(world.told, world.lost);
    notice(model, world);
  },
);

const wakeForNothing = command("somebody wakes for nothing", () => true, sendWake);

const takeOver = command(
  "the next generation takes over",
  () => true,
  async (model, world) => {
    const { planner, runs } = world;
    expect(await runs.supersede(planner.ref, NOW)).toBe(true);
    if (model.at === "counted" || model.at === "read") {
      world.stale = planner;
      model.stale = true;
    }
    const { run_id, generation } = planner.ref;
    world.planner = startOver({ run_id, generation: generation + 1 });
    model.at = "start";
  },
);

const beginning = (runs: RunStore, ref: RunRef): { model: Model; real: World } => ({
  model: { at: "start", stale: false },
  real: {
    runs,
    planner: startOver(ref),
    stale: null,
    facts: 0,
    untold: new Map(),
    lost: 0,
    told: 0,
    answered: new Set(),
    tokens: 0,
  },
});

test("no wake is ever lost: whoever sleeps has seen all that was written before its last wake", async () => {
  const table = dynamodb.newTable();
  const runs = runStore(table);
  const sleeper = [goOn, goOn, goOn, goOn, sleepThoughOld];
  const others = [finisher("A"), finisher("B"), dieAfterCount, tick, wakeForNothing, takeOver];
  const interleavings = fc.commands(
    [...sleeper, ...others].map((one) => fc.constant(one)),
    { maxCommands: 50, size: "max" },
  );

  await fc.assert(
    fc.asyncProperty(interleavings, async (interleaving) => {
      const ref = await startRun(table);
      await fc.asyncModelRun(() => beginning(runs, ref), interleaving);
    }),
    { numRuns: 100 },
  );
});
