import type { DynamoDBRecord } from "aws-lambda";
import { expect } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { claimHost, entering } from "../../lib/domain/host-run.ts";
import { later } from "../../lib/domain/instant.ts";
import {
  executionName,
  LOOK_ANYWAY_SECONDS,
  type RunRef,
  TAKEOVER_SECONDS,
} from "../../lib/domain/run.ts";
import { reactionsTo } from "../../lib/domain/wake.ts";
import { transact } from "../../lib/store/conditions.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { endRun, runStore } from "../../lib/store/runs.ts";
import { changedRow } from "../../lib/store/stream.ts";
import { NOW, startRun } from "../store/dynamodb.ts";
import {
  type Actor,
  type Choose,
  EVERYTHING,
  newStage,
  type Possibility,
  type Stage,
} from "./interleave.ts";
import { callingAws, type Execution, openNearEngine } from "./near-aws.ts";

const engine = await openNearEngine();
const { table, services } = engine;
const runs = runStore(table);
const hostRuns = hostRunStore(table);
const owners = ownership(table);

const HOSTS = ["cmp-01", "cmp-02"] as const;
/** The planner's own deadline, which must not be what wakes it. */
const PATIENCE_SECONDS = 86_400;

/** What may happen besides what has to. */
export type Mischief = {
  /** An execution is stopped by hand; its last Lambda goes on or not. */
  readonly deaths?: number;
  /** Step Functions gives up on a Lambda that has stored its token, or will, and calls it again. */
  readonly retries?: number;
  /** A call of drive ends in the middle; its records are delivered once more. */
  readonly drivesKilled?: number;
  /** Records are delivered twice. */
  readonly duplicates?: number;
  /** Records that the stream loses. */
  readonly losses?: number;
  readonly ticks?: number;
};

type Awaiting = { readonly seq: number; readonly now: string; readonly ref: RunRef };

type World = {
  readonly stage: Stage;
  readonly session: string;
  now: string;
  names: number;
  /** Hosts that the planner saw finished when it last looked, by its execution. */
  readonly seen: Map<string, number>;
  /** Ids that differ from run to run, and a name for each that does not. */
  readonly ids: Map<string, string>;
  /** Executions that have a step to take. */
  readonly due: string[];
  readonly awaiting: Map<string, Awaiting>;
  /** Records that drive has not yet been called with, and those of its last call. */
  pending: DynamoDBRecord[];
  last: DynamoDBRecord[];
  readonly left: Record<keyof Mischief, number>;
};

const refOf = ({ session }: World, execution: string): RunRef => ({
  run_id: session,
  generation: Number(execution.slice(session.length + 1)),
});

const stillRunning = (name: string): Execution | null => {
  const execution = services.executions.get(name);
  return execution?.status === "RUNNING" ? execution : null;
};

/** One round of the planner: the wake count first, then the world, then it sleeps. */
const plan = async (world: World, name: string) => {
  const { session, now } = world;
  const ref = refOf(world, name);
  try {
    await runs.heartbeat(ref, now);
  } catch (error) {
    if (!(error instanceof SupersededError)) throw error;
    const execution = stillRunning(name);
    if (execution) execution.status = "SUCCEEDED";
    return;
  }
  const seq = await runs.readSeq(session);
  const finished = (await hostRuns.list(session)).filter(({ phase }) => phase === "FINISHED");
  if (!stillRunning(name)) return;
  world.seen.set(name, finished.length);
  await goToSleep(world, name, { ref, seq, now });
};

/** One try of AwaitChange, each with a token of its own; Step Functions knows the newest only. */
const goToSleep = async (world: World, name: string, awaiting: Awaiting) => {
  const { ref, seq, now } = awaiting;
  const token = `${name} token ${world.names++}`;
  const execution = stillRunning(name);
  if (execution) execution.token = token;
  world.awaiting.set(name, awaiting);
  await engine.awaitChange({ ...ref, now, seq, seconds: PATIENCE_SECONDS, token });
};

/** A planner and two hosts at work, whose runs are about to end. */
const setOut = async (mischief: Mischief): Promise<World> => {
  engine.records();
  const ref = await startRun(table);
  const session = ref.run_id;
  const claim = (host: string) =>
    claimHost({ sessionId: session, host, deviceId: `${session} ${host}`, plugins: [], now: NOW });
  await owners.claim(ref, HOSTS.map(claim));
  const stage = newStage();
  const world: World = {
    stage,
    session,
    now: NOW,
    names: 0,
    seen: new Map(),
    ids: new Map([[session, "planner"]]),
    due: [],
    awaiting: new Map(),
    pending: [],
    last: [],
    left: {
      deaths: 0,
      retries: 0,
      drivesKilled: 0,
      duplicates: 0,
      losses: 0,
      ticks: 0,
      ...mischief,
    },
  };
  services.goesOn = (name) => {
    if (name.startsWith(session)) world.due.push(name);
  };
  const finishing: Actor[] = [];
  for (const host of HOSTS) {
    const run_id = crypto.randomUUID();
    world.ids.set(run_id, host);
    await hostRuns.start(await hostRuns.get(session, host), run_id, ref, NOW);
    const from = await hostRuns.get(session, host);
    const run = entering(from, "FINISHED", NOW);
    const finish = () => hostRuns.save({ run_id, generation: 1 }, run, { from, end: true });
    finishing.push({ name: host, play: callingAws(finish) });
  }
  world.pending = newsIn(engine.records());
  await beginDrive(world, world.pending.splice(0));
  while (stage.isOn("drive")) await stage.act(0);
  await takeSteps(world);
  for (const finish of finishing) await stage.enter(finish);
  return world;
};

const beginDrive = async (world: World, records: DynamoDBRecord[]) => {
  world.last = records;
  const act = async () => {
    const { batchItemFailures } = await engine.drive({ Records: records });
    expect(batchItemFailures).toEqual([]);
  };
  await world.stage.enter({ name: "drive", play: callingAws(act) });
};

const beginTick = (world: World, seconds: number) => {
  world.now = later(world.now, seconds);
  const { now } = world;
  return world.stage.enter({
    name: `tick ${world.names++}`,
    play: callingAws(() => engine.tick(now)),
  });
};

type Happening = Possibility & { readonly happen: () => Promise<unknown> };

/** The records that drive makes something of; to be called with others is to do nothing. */
const newsIn = (records: readonly DynamoDBRecord[]): DynamoDBRecord[] =>
  records.filter((record) => {
    const { before, after } = changedRow(record);
    return reactionsTo(before, after).length > 0;
  });

/** What has to happen next, in any order. */
const necessary = (world: World): Happening[] => {
  const { stage, pending } = world;
  const alike = (text: string) =>
    [...world.ids].reduce((all, [id, name]) => all.replaceAll(id, name), text);
  const turns = stage.waiting().map(({ name, touches }, n) => ({
    is: alike(`${name}: ${touches}`),
    touches: touches.map(alike),
    happen: () => stage.act(n),
  }));
  if (pending.length === 0 || stage.isOn("drive")) return turns;
  const happen = () => {
    world.pending = [];
    return beginDrive(world, pending);
  };
  const touches = ["S#planner HOST#", "RUN#planner #RUN"];
  return [...turns, { is: "drive is called", touches, happen }];
};

/** Executions whose next step is due take it. */
const takeSteps = async (world: World) => {
  for (const name of world.due.splice(0))
    if (stillRunning(name))
      await world.stage.enter({ name, play: callingAws(() => plan(world, name)) });
};

/** What may happen as well, for as long as there is some left. */
const mischievous = (world: World): Happening[] => {
  const { stage, left, pending, last, awaiting } = world;
  const running = [...services.executions].filter(
    ([name, { status }]) => name.startsWith(world.session) && status === "RUNNING",
  );
  const once = (kind: keyof Mischief, happen: () => unknown): Happening => ({
    is: kind,
    touches: [EVERYTHING],
    happen: async () => {
      left[kind] -= 1;
      await happen();
    },
  });
  const all: (Happening | false)[] = [
    ...running.flatMap(([name, execution]) => [
      once("deaths", () => {
        execution.status = "ABORTED";
        stage.kill(name);
      }),
      // Its last Lambda is still at work.
      once("deaths", () => {
        execution.status = "ABORTED";
      }),
    ]),
    ...running
      .filter(([name, { token }]) => stage.isOn(name) && token !== null)
      .map(([name]) =>
        once("retries", () => {
          const again = awaiting.get(name);
          if (again === undefined) return;
          const play = callingAws(() => goToSleep(world, name, again));
          return stage.enter({ name: `${name} again ${world.names++}`, play });
        }),
      ),
    stage.isOn("drive") &&
      once("drivesKilled", () => {
        stage.kill("drive");
        world.pending = [...last, ...world.pending];
      }),
    !stage.isOn("drive") && last.length > 0 && once("duplicates", () => beginDrive(world, last)),
    pending.length > 0 &&
      once("losses", () => {
        world.pending = [];
      }),
    once("ticks", () => beginTick(world, 30)),
  ];
  return all.filter((one) => one !== false).filter(({ is }) => left[is as keyof Mischief] > 0);
};

const goOn = async (world: World, choose: Choose, also: (world: World) => Happening[]) => {
  for (;;) {
    await takeSteps(world);
    world.pending = [...world.pending, ...newsIn(engine.records())];
    const has = necessary(world);
    const may = [...has, ...also(world)];
    const chosen = choose(may);
    if (chosen === null) return;
    await may[chosen]?.happen();
  }
};

/** Whether the live generation is executed, by one execution, which sleeps and has seen all. */
const expectAllSeen = async (world: World, when: string) => {
  const { generation } = await runs.get(world.session);
  const live = executionName({ run_id: world.session, generation });
  const running = [...services.executions].filter(
    ([name, { status }]) => name.startsWith(world.session) && status === "RUNNING",
  );
  expect(
    running.map(([name]) => name),
    when,
  ).toEqual([live]);
  expect(running[0]?.[1].token, when).not.toBeNull();
  expect(world.seen.get(live), when).toBe(HOSTS.length);
};

/** Whatever has to happen happens, in the order it came. */
const toTheEnd = async (world: World) => {
  await goOn(
    world,
    ({ length }) => (length === 0 ? null : 0),
    () => [],
  );
};

const finish = async (world: World) => {
  const { generation } = await runs.get(world.session);
  await transact(table, [endRun(table, { run_id: world.session, generation })]);
  services.executions.clear();
};

/** @param play what happens once the planner and its hosts have set out */
const story = async (mischief: Mischief, play: (world: World) => Promise<void>): Promise<void> => {
  const world = await setOut(mischief);
  try {
    await play(world);
  } finally {
    await finish(world);
  }
};

/**
 * One interleaving of a planner, two hosts that finish, and drive, in which nothing goes wrong: the
 * planner has seen both hosts when all is quiet, long before its own deadline.
 */
export const playInOrder = (choose: Choose): Promise<void> =>
  story({}, async (world) => {
    await goOn(world, choose, () => []);
    await toTheEnd(world);
    await expectAllSeen(world, "at once");
  });

/**
 * One interleaving of the same with what `mischief` allows: the planner has seen both hosts after
 * one tick, or after some minutes when the stream lost what would have been told of them.
 */
export const playWithMischief = (choose: Choose, mischief: Mischief): Promise<void> =>
  story(mischief, async (world) => {
    await goOn(world, choose, mischievous);
    await toTheEnd(world);
    await beginTick(world, TAKEOVER_SECONDS);
    await toTheEnd(world);
    if (world.left.losses === (mischief.losses ?? 0)) await expectAllSeen(world, "after a tick");
    await beginTick(world, LOOK_ANYWAY_SECONDS);
    await toTheEnd(world);
    await expectAllSeen(world, "after ten minutes");
  });
