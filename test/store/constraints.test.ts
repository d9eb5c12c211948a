import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGroup, readInstance } from "../../lib/domain/constraints.ts";
import { ConflictError, NotFoundError } from "../../lib/domain/errors.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { type DynamoDb, NOW, startDynamoDb } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const caps = { lead_time: 600, max_interruption_time: 600, recovery_time: 600 };
const by = (project_id: string, id: string = crypto.randomUUID()) => ({
  id,
  project_id,
  now: NOW,
  caps,
});
const group = (project_id: string, id?: string) => readGroup({}, by(project_id, id)).constraints;
const instance = (project_id: string, id?: string) =>
  readInstance({}, by(project_id, id)).constraints;

describe("constraints of one id", () => {
  test("are one project's, however many claim it at the same moment", async () => {
    const { groups } = constraintStore(dynamodb.newTable());
    const id = crypto.randomUUID();
    const projects = Array.from({ length: 10 }, (_, n) => `project-${n}`);
    const tries = await Promise.allSettled(
      projects.map((project) => groups.put(group(project, id), 10)),
    );
    const owners = projects.filter((_, n) => tries[n]?.status === "fulfilled");
    const refused = tries.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));

    expect(owners).toHaveLength(1);
    for (const error of refused) expect(error).toBeInstanceOf(NotFoundError);
    for (const project of projects)
      expect((await groups.get(id, project))?.project_id ?? null).toBe(
        owners.includes(project) ? project : null,
      );
  });

  test("are kept for their project although it writes them twice at the same moment", async () => {
    const { groups } = constraintStore(dynamodb.newTable());
    const row = group("alpha");
    await Promise.all(Array.from({ length: 10 }, () => groups.put(row, 10)));

    expect(await groups.get(row.group_id, "alpha")).toEqual(row);
  });

  test("may be of an instance and of a group that have the same id", async () => {
    const { groups, instances } = constraintStore(dynamodb.newTable());
    const id = crypto.randomUUID();
    await groups.put(group("alpha", id), 10);
    await instances.put(instance("beta", id), 10);

    expect((await instances.list("beta", 10, null)).constraints).toEqual([instance("beta", id)]);
    expect((await instances.list("alpha", 10, null)).constraints).toEqual([]);
    expect((await groups.list("alpha", 10, null)).constraints).toEqual([group("alpha", id)]);
  });
});

test("instances and groups of a project count together, and those of others not at all", async () => {
  const { groups, instances } = constraintStore(dynamodb.newTable());
  for (let n = 0; n < 3; n++) await groups.put(group("beta"), 3);
  await groups.put(group("alpha"), 3);
  await instances.put(instance("alpha"), 3);
  const last = instance("alpha");
  await instances.put(last, 3);

  await expect(groups.put(group("alpha"), 3)).rejects.toBeInstanceOf(ConflictError);
  await expect(instances.put(instance("alpha"), 3)).rejects.toBeInstanceOf(ConflictError);
  await instances.delete(last.instance_id, "alpha");
  await groups.put(group("alpha"), 3);
});

test("those of 250 instances are read at once, whosever they are", async () => {
  const { instances } = constraintStore(dynamodb.newTable());
  const rows = Array.from({ length: 250 }, (_, n) => instance(n % 2 ? "alpha" : "beta"));
  for (const row of rows) await instances.put(row, 1_000);
  const found = await instances.getMany([
    ...rows.map(({ instance_id }) => instance_id),
    crypto.randomUUID(),
  ]);

  expect(found.size).toBe(250);
  for (const row of rows) expect(found.get(row.instance_id)).toEqual(row);
  expect(await instances.getMany([])).toEqual(new Map());
});
