import { SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PHASES } from "../../lib/domain/host-run.ts";
import { keys } from "../../lib/store/table.ts";
import { type HealingStage, isStep, openHealingStage } from "./healing-stage.ts";
import { PATIENCE_MS } from "./interleave.ts";

let stage: HealingStage;
beforeAll(async () => {
  stage = await openHealingStage();
});
afterAll(() => stage.close());

const executionsOf = (status: string) =>
  stage.stack.executions().filter((execution) => execution.status === status);

const stopAll = async () => {
  const stepFunctions = new SFNClient({});
  for (const { arn } of executionsOf("RUNNING"))
    await stepFunctions.send(new StopExecutionCommand({ executionArn: arn }));
};

/** Stops every execution at the very commit that brings cmp-01 into a phase. */
const stopInEveryPhase = (sessionId: string): Set<string> => {
  const phases = new Set<string>();
  stage.stack.database.onStream((TableName) => {
    const Key = marshall(keys.hostRun(sessionId, "cmp-01"));
    const answer = stage.stack.database.handle("GetItem", { TableName, Key });
    const { Item } = answer as { Item?: Parameters<typeof unmarshall>[0] };
    const phase = Item && unmarshall(Item)["phase"];
    if (phase === undefined || phases.has(phase)) return;
    phases.add(phase);
    void stopAll();
  });
  return phases;
};

test("executions that somebody stops by hand, in every phase, go on in the next generation", async () => {
  const id = await stage.open();
  const phases = stopInEveryPhase(id);
  await stage.until("the session to end", () => stage.hasEnded(id), 240);

  expect([...phases]).toEqual(PHASES.filter((phase) => phases.has(phase)));
  expect(phases.size).toBeGreaterThanOrEqual(11);
  expect(executionsOf("ABORTED").length).toBeGreaterThanOrEqual(phases.size);
  await stage.expectWell(id);
});

test("a deploy whose steps answer nonsense kills executions, and the next one heals them", async () => {
  const id = await stage.open();
  await stage.until("moves", async () => (await stage.phase(id)) === "MOVING", 10);
  const before = executionsOf("FAILED").length;
  const nonsense = { next: "nonsense", phase: "nonsense", wait: "nonsense", seconds: 1, seq: 0 };
  stage.deploy((file) => (isStep(file) ? async () => nonsense : undefined));
  await stage.until(
    "executions to die",
    async () => executionsOf("FAILED").length >= before + 4,
    30,
  );
  stage.deploy(null);

  await stage.until("the session to end", () => stage.hasEnded(id), 60);
  await stage.expectWell(id);
});

test("a deploy whose steps cannot be loaded is waited out", async () => {
  const id = await stage.open();
  await stage.until("moves", async () => (await stage.phase(id)) === "MOVING", 10);
  const until = stage.clock.now() + 30 * 60_000;
  stage.deploy((file) =>
    isStep(file)
      ? async () => {
          throw new Error("Runtime.ImportModuleError");
        }
      : undefined,
  );
  await stage.until("half an hour", async () => stage.clock.now() >= until, 31);
  stage.deploy(null);

  await stage.until("the session to end", () => stage.hasEnded(id), 60);
  await stage.expectWell(id);
});

test(
  "without the table's stream for 24 hours, sessions begin and end by the tick alone",
  async () => {
    const id = await stage.open();
    await stage.until("moves", async () => (await stage.phase(id)) === "MOVING", 10);
    stage.stack.enableMappings(false);
    const outage = stage.clock.now();
    await stage.until("the session to end", () => stage.hasEnded(id), 240);
    await stage.expectWell(id);

    const another = await stage.open();
    await stage.until("a session opened meanwhile to end", () => stage.hasEnded(another), 240);
    const over = outage + 24 * 3_600_000;
    await stage.until("24 hours to pass", async () => stage.clock.now() >= over, 24 * 60);
    stage.stack.enableMappings(true);
    const third = await stage.open();
    await stage.until("one opened afterwards to end", () => stage.hasEnded(third), 30);
    expect(stage.stack.deadLetters()).toEqual([]);
  },
  PATIENCE_MS,
);
