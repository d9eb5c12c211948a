import { afterAll, beforeAll, expect, test } from "vitest";
import { planStore } from "../../lib/store/plans.ts";
import { keys } from "../../lib/store/table.ts";
import { aPlan } from "../domain/builders.ts";
import { type DynamoDb, startDynamoDb } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
  process.env["AWS_MAX_ATTEMPTS"] = "1";
});
afterAll(() => dynamodb.close());

const plan = aPlan();

const operations = Array.from({ length: 600 }, (_, n) => ({
  number: n + 1,
  what: "open" as const,
  host: "cmp-01",
  instance_id: null,
  instance_name: null,
  to: null,
  starts_in: n,
  ends_in: n,
}));

test("a large plan is written to a table that is too busy for a third of it, and read as it was", async () => {
  const plans = planStore(dynamodb.newTable());
  const course = { operations, curve: [] };
  dynamodb.misbehave({ throttle: 0.3 });
  await plans.putCourses(plan, "making", { fastest: course, fewest_moves: course });
  dynamodb.misbehave({});

  const ref = { plan_id: plan.plan_id, making_id: "making", objective: "fastest" } as const;
  expect(await plans.operations(ref, 0, 600)).toEqual(operations);
  expect(await plans.operations(ref, 399, 2)).toEqual(operations.slice(399, 401));
});

test("no two pages of a plan are in one partition", () => {
  const pages = [0, 1, 2].flatMap((page) =>
    ["fastest", "fewest_moves"].map((objective) => keys.planOperations("p", "m", objective, page)),
  );

  expect(new Set(pages.map(({ PK }) => PK)).size).toBe(pages.length);
});
