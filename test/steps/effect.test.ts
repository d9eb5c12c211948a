import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { later } from "../../lib/domain/instant.ts";
import { mayYetBeMade, onHost } from "../../lib/steps/effect.ts";
import { intentStore } from "../../lib/store/intents.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const open = async () => {
  const table = dynamodb.newTable();
  const intents = intentStore(table);
  const ref = await startRun(table, "cmp-01");
  const isFeared = (seconds: number) =>
    mayYetBeMade({ intents, ref, run: { phase_at: NOW }, now: later(NOW, seconds) }, "disable");
  return { intents, ref, isFeared };
};

describe("an effect of which nobody heard how it ended", () => {
  test("may yet be made for as long as its call may be on its way", async () => {
    const { intents, ref, isFeared } = await open();
    await intents.begin(ref, "session-1", onHost("disable", NOW));

    expect(await isFeared(79)).toBe(true);
    expect(await isFeared(80)).toBe(false);
  });

  test("is not feared when its end is known, or it was never begun", async () => {
    const { intents, ref, isFeared } = await open();
    expect(await isFeared(1)).toBe(false);

    const disable = onHost("disable", NOW);
    await intents.begin(ref, "session-1", disable);
    await intents.finish(ref, disable, "done", NOW);
    expect(await isFeared(1)).toBe(false);
  });
});
