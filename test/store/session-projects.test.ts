import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { later } from "../../lib/domain/instant.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { sessionProjectStore } from "../../lib/store/session-projects.ts";
import { aMove } from "../domain/builders.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const A = "0a".repeat(16);
const B = "0b".repeat(16);

const concerning = (project_id: string, n = 0) => ({
  schema: 1 as const,
  session_id: crypto.randomUUID(),
  project_id,
  created_at: later(NOW, n),
  instance_ids: [] as string[],
});

describe("a session that concerns a project", () => {
  test("is found for this project and for no other", async () => {
    const projects = sessionProjectStore(dynamodb.newTable());
    const row = concerning(A);
    await projects.add(row);

    expect(await projects.get(row.session_id, A)).toEqual(row);
    expect(await projects.get(row.session_id, B)).toBeNull();
    expect(await projects.get(crypto.randomUUID(), A)).toBeNull();
    expect((await projects.list(B, 10, null)).projects).toEqual([]);
  });

  test("is noted once, however many hosts of it serve the project at the same moment", async () => {
    const projects = sessionProjectStore(dynamodb.newTable());
    const row = concerning(A);
    await Promise.all(Array.from({ length: 20 }, () => projects.add(row)));
    await projects.add({ ...row, created_at: later(NOW, 99) });

    expect((await projects.list(A, 10, null)).projects).toEqual([row]);
  });

  test("gathers the instances that are seen on its hosts, each once", async () => {
    const projects = sessionProjectStore(dynamodb.newTable());
    const row = concerning(A);
    for (const instance_ids of [["b"], [], ["a", "b"], ["c"]])
      await projects.add({ ...row, instance_ids });
    await projects.add({ ...row, project_id: B, instance_ids: ["d"] });

    expect(await projects.ofSession(row.session_id)).toEqual([
      { ...row, instance_ids: ["a", "b", "c"] },
      { ...row, project_id: B, instance_ids: ["d"] },
    ]);
  });

  test("is listed in pages, the newest first, each once", async () => {
    const projects = sessionProjectStore(dynamodb.newTable());
    const rows = Array.from({ length: 7 }, (_, n) => concerning(A, n));
    for (const row of [...rows, concerning(B, 3)]) await projects.add(row);
    const seen: string[][] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof projects.list>> = await projects.list(A, 3, cursor);
      seen.push(page.projects.map(({ session_id }) => session_id));
      cursor = page.cursor;
    } while (cursor !== null);

    expect(seen.flat()).toEqual(rows.toReversed().map(({ session_id }) => session_id));
    expect(seen.map(({ length }) => length)).toEqual([3, 3, 1]);
  });

  test("is not reached from another project's list by its cursor", async () => {
    const projects = sessionProjectStore(dynamodb.newTable());
    const mine = concerning(A, 0);
    for (const row of [mine, concerning(B, 1), concerning(B, 2), concerning(B, 3)])
      await projects.add(row);
    const { cursor } = await projects.list(B, 1, null);

    expect((await projects.list(A, 10, cursor)).projects).toEqual([mine]);
  });

  test.each(["", "garbage", Buffer.from('["x#y"]').toString("base64url")])(
    "is not listed from a cursor that is none, like %j",
    async (cursor) => {
      const projects = sessionProjectStore(dynamodb.newTable());

      await expect(projects.list(A, 1, cursor)).rejects.toMatchObject({
        findings: [{ path: "cursor" }],
      });
    },
  );
});

test("the moves of a project in a session are its own alone, as they were last written", async () => {
  const table = dynamodb.newTable();
  const moves = moveStore(table);
  const ref = await startRun(table, "cmp-1");
  const mine = aMove({ session_id: "s1", project_id: A, instance_id: "a1" });
  const others = [
    aMove({ session_id: "s1", project_id: B, instance_id: "b1" }),
    aMove({ session_id: "s2", project_id: A, instance_id: "a2" }),
  ];
  for (const move of [mine, ...others]) await moves.put(ref, move);
  const moved = { ...mine, state: "moved", destination_host: "cmp-09" } as const;
  await moves.put(ref, moved);

  expect(await moves.listByProject("s1", A)).toEqual([moved]);
});
