import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { loadFunctions } from "../../../../localstack/aws/lambda/functions.ts";
import { executionStore } from "../../../../localstack/aws/stepfunctions/executions.ts";
import { executionRunner } from "../../../../localstack/aws/stepfunctions/runner.ts";
import { virtualClock } from "../../../../localstack/clock.ts";
import { functionArn, machineArn, NOON } from "../harness.ts";

test("a step whose result found no room on the disk is made again when there is room", async () => {
  const sqlite = new DatabaseSync(":memory:");
  const clock = virtualClock(NOON);
  const log: string[] = [];
  const store = executionStore(sqlite);
  let calls = 0;
  const functions = await loadFunctions(
    [
      {
        logicalId: "f",
        name: "f",
        arn: functionArn("f"),
        handler: "f.handler",
        timeoutMs: 60_000,
        memoryMb: 128,
        environment: {},
        asynchronous: { maximumRetryAttempts: 2, maximumEventAgeMs: 60_000 },
      },
    ],
    async () => async () => {
      calls += 1;
      if (calls === 3) sqlite.exec("PRAGMA max_page_count = 10000");
      return "x".repeat(100_000);
    },
    clock,
  );
  const runner = executionRunner({ store, clock, functions, log: (line) => log.push(line) });
  const definition = store.keepDefinition({
    StartAt: "A",
    States: { A: { Type: "Task", Resource: functionArn("f"), End: true } },
  });
  const arn = "arn:aws:states:us-east-1:000000000000:execution:m:n";
  const { page_count: pages } = sqlite.prepare("PRAGMA page_count").get() as { page_count: number };
  sqlite.exec(`PRAGMA max_page_count = ${pages + 2}`);
  runner.start({ arn, machineArn: machineArn("m"), name: "n", definition, input: "{}" });
  await clock.runUntil(() => store.get(arn)?.status === "SUCCEEDED", NOON + 60_000);

  expect(store.get(arn)?.status).toBe("SUCCEEDED");
  expect(calls).toBe(3);
  expect(log[0]).toMatch("database or disk is full");
});
