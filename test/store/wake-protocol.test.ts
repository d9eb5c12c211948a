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
  facts: number;
  /** Facts that were written and whose wake has not been sent yet, by finisher. */
  readonly unsent: Set<string>;
  /** Whether a wake was counted whose sender died before it was sent. */
  lost: boolean;
  readonly answered: Set<string>;
  tokens: number;
};

/** A planner by the place it stands at; the model only steers which command may come next. */
type Model = {
  at: "start" | "counted" | "read" | "asleep";
  stale: boolean;
  readonly writing: Set<string>;
};

const isAsleep = ({ planner, answered }: World): boolean =>
  planner.token !== null && !answered.has(planner.token);

/** The property: whoever sleeps has seen every fact whose wake has been sent. */
const expectNothingMissed = (world: World) => {
  if (isAsleep(world) && world.unsent.size === 0 && !world.lost)
    expect(world.planner.read).toBe(world.facts);
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
  const token = await world.runs.wake(world.planner.ref.run_id);
  if (token !== null) world.answered.add(token);
  notice(model, world);
};

const count = command(
  "reads the wake count",
  ({ at }) => at === "start",
  async (model, { planner, runs }) => {
    planner.seq = await runs.readSeq(planner.ref.run_id);
    model.at = "counted";
  },
);

const readWorld = command(
  "reads the world",
  ({ at }) => at === "counted",
  async (model, { planner, facts }) => {
    planner.read = facts;
    model.at = "read";
  },
);

const sleep = command(
  "goes to sleep",
  ({ at }) => at === "read",
  async (model, world) => {
    const { planner, runs } = world;
    const token = `token-${world.tokens++}`;
    planner.token = token;
    model.at = "asleep";
    if (!(await runs.park(planner.ref, parking(planner, token)))) world.answered.add(token);
    notice(model, world);
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

const finisher = (name: string) => [
  command(
    `${name} writes a fact`,
    ({ writing }) => !writing.has(name),
    async ({ writing }, world) => {
      world.facts += 1;
      world.unsent.add(name);
      writing.add(name);
    },
  ),
  command(
    `${name} wakes`,
    ({ writing }) => writing.has(name),
    async (model, world) => {
      await sendWake(model, world);
      world.unsent.delete(name);
      model.writing.delete(name);
    },
  ),
];

const dieAfterCount = command(
  "a finisher dies between count and send",
  () => true,
  async (_, world) => {
    world.facts += 1;
    await world.runs.wake(world.planner.ref.run_id);
    world.lost = true;
  },
);

const tick = command(
  "tick looks for a missed wake",
  () => true,
  async (model, world) => {
    const token = await world.runs.missedWake(world.planner.ref.run_id);
    if (token !== null) world.answered.add(token);
    world.lost = false;
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
  model: { at: "start", stale: false, writing: new Set() },
  real: {
    runs,
    planner: startOver(ref),
    stale: null,
    facts: 0,
    unsent: new Set(),
    lost: false,
    answered: new Set(),
    tokens: 0,
  },
});

test("no wake is ever lost: whoever sleeps has seen all that was written before its last wake", async () => {
  const table = dynamodb.newTable();
  const runs = runStore(table);
  const steps = [count, readWorld, sleep];
  const interleavings = fc.commands(
    [
      ...steps,
      ...steps,
      sleepThoughOld,
      dieAfterCount,
      tick,
      wakeForNothing,
      takeOver,
      ...finisher("A"),
      ...finisher("B"),
    ].map((one) => fc.constant(one)),
    { maxCommands: 40, size: "max" },
  );

  await fc.assert(
    fc.asyncProperty(interleavings, async (interleaving) => {
      const ref = await startRun(table);
      await fc.asyncModelRun(() => beginning(runs, ref), interleaving);
    }),
    { numRuns: 120 },
  );
});
