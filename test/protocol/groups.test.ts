import { GetCommand } from "@aws-sdk/lib-dynamodb";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { later } from "../../lib/domain/instant.ts";
import type { GroupClaim } from "../../lib/domain/move.ts";
import type { RunRef } from "../../lib/domain/run.ts";
import { intentStore } from "../../lib/store/intents.ts";
import { runStore } from "../../lib/store/runs.ts";
import { keys } from "../../lib/store/table.ts";
import { NOW, startRun } from "../store/dynamodb.ts";
import { newStage, PATIENCE_MS, type Step } from "./interleave.ts";
import { openNearTable } from "./table.ts";

const { table } = openNearTable();
const intents = intentStore(table);
const runs = runStore(table);

type Ending = Parameters<typeof intents.finish>[1];

/** Tries of one instance after which its mover gives up, so that no interleaving is endless. */
const PATIENCE = 60;

/** What is true in the cloud, whatever the table says. */
type World = {
  readonly group: GroupClaim;
  now: string;
  /** Members on their way. */
  readonly impacted: Set<string>;
  /** Until when the group must be left alone. */
  freeAt: string;
  most: number;
  /** Moves whose end is known. */
  readonly ended: Set<string>;
};

const depart = (world: World, member: string) => {
  const { impacted, group, now, freeAt } = world;
  expect(now >= freeAt, `${member} departs at ${now}, the group rests until ${freeAt}`).toBe(true);
  impacted.add(member);
  expect(impacted.size).toBeLessThanOrEqual(group.max_impacted_members);
  world.most = Math.max(world.most, impacted.size);
};

/** The move is over in the cloud, and its end is stored. */
const end = async (step: Step, world: World, ref: RunRef, intent: Ending) => {
  await step(async () => {
    world.impacted.delete(intent.effect);
    await intents.finish(ref, intent, "done", world.now);
    world.ended.add(intent.effect);
    const freeAt = later(world.now, world.group.recovery_seconds);
    if (freeAt > world.freeAt) world.freeAt = freeAt;
  });
};

/** One generation of a host's run, which moves its members of the group one after the other. */
const mover = (world: World, ref: RunRef, session: string, members: readonly string[]) => ({
  name: `${ref.run_id}-${ref.generation}`,
  play: (step: Step) => moveAll(step, world, ref, session, members).catch(fineIfSuperseded),
});

const moveAll = async (
  step: Step,
  world: World,
  ref: RunRef,
  session: string,
  members: readonly string[],
) => {
  const begun = await step(() => intents.list(ref.run_id));
  for (const intent of begun) if (intent.outcome === null) await end(step, world, ref, intent);
  const left = members.filter((member) => !begun.some(({ instance_id }) => instance_id === member));
  for (const member of left) await move(step, world, ref, session, member);
};

const move = async (step: Step, world: World, ref: RunRef, session: string, member: string) => {
  const effect = `live_migrate#${member}#001`;
  for (let attempt = 0; attempt < PATIENCE; attempt++) {
    const intent = {
      effect,
      request_id: "req-1",
      at: world.now,
      instance_id: member,
      target: null,
      target_device_id: null,
      newest_migration: 0,
      groups: [world.group],
    };
    const begun = await step(async () => {
      const answer = await intents.begin(ref, session, intent);
      // From the commit on the move may be under way, whatever becomes of its mover.
      if (answer === "begun") depart(world, effect);
      return answer;
    });
    if (begun === "group_busy") continue;
    expect(begun).toBe("begun");
    await end(step, world, ref, intent);
    return;
  }
};

const fineIfSuperseded = (error: unknown): void => {
  if (!(error instanceof SupersededError)) throw error;
};

const impactedIn = async ({ group }: World): Promise<ReadonlySet<string>> => {
  const { Item } = await table.client.send(
    new GetCommand({ TableName: table.name, Key: keys.group(group.id), ConsistentRead: true }),
  );
  return Item?.["impacted"] ?? new Set();
};

const scripts = fc.record({
  max: fc.integer({ min: 1, max: 2 }),
  recovery: fc.constantFrom(0, 0, 60),
  /** Each says who acts next, or is taken over, or that time goes by. */
  choices: fc.array(fc.nat(99), { minLength: 5, maxLength: 30 }),
});

/** Two sessions, each with one run that has members of the one group to move. */
const setOut = async (world: World) => {
  const stage = newStage();
  const crews = [
    { session: "A", ref: await startRun(table, "cmp-01"), members: ["a-1", "a-2"] },
    { session: "B", ref: await startRun(table, "cmp-02"), members: ["b-1"] },
  ];
  const begin = async (index: number) => {
    const crew = crews[index];
    if (crew) await stage.enter(mover(world, crew.ref, crew.session, crew.members));
  };
  await begin(0);
  await begin(1);
  return {
    stage,
    /** The next generation begins; the last is dead, or goes on until it notices. */
    takeOver: async (index: number, isDead: boolean) => {
      const crew = crews[index];
      if (!crew) return;
      if (isDead) stage.kill(`${crew.ref.run_id}-${crew.ref.generation}`);
      expect(await runs.supersede(crew.ref, world.now)).toBe(true);
      crew.ref = { ...crew.ref, generation: crew.ref.generation + 1 };
      await begin(index);
    },
  };
};

const theWorld = (id: string, max: number, recovery: number): World => ({
  group: { id, max_impacted_members: max, recovery_seconds: recovery },
  now: NOW,
  impacted: new Set(),
  freeAt: NOW,
  most: 0,
  ended: new Set(),
});

test(
  "two sessions that share a group never impact more of it than may be, and leave nothing behind: 10,000 interleavings",
  async () => {
    const seen = new Set<string>();
    let cases = 0;
    let together = 0;
    await fc.assert(
      fc.asyncProperty(scripts, async ({ max, recovery, choices }) => {
        const world = theWorld(`group-${cases++}`, max, recovery);
        const { stage, takeOver } = await setOut(world);
        for (const choice of choices) {
          if (choice >= 94) await takeOver(choice % 2, choice < 98);
          else if (choice >= 80) world.now = later(world.now, choice - 70);
          else await stage.act(choice % Math.max(1, stage.waiting().length));
        }
        while (stage.waiting().length > 0) {
          world.now = later(world.now, 61);
          await stage.act(0);
        }
        expect(await impactedIn(world)).toEqual(new Set());
        expect(world.ended.size).toBe(3);
        seen.add(`${max}/${recovery}/${choices.join()}`);
        together += world.most > 1 ? 1 : 0;
      }),
      { numRuns: 10_000 },
    );
    expect(seen.size).toBeGreaterThan(9_000);
    expect(together).toBeGreaterThan(1_000);
  },
  PATIENCE_MS,
);
