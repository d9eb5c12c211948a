import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConflictError, NotFoundError, SupersededError } from "../../lib/domain/errors.ts";
import type { Hook } from "../../lib/domain/hook.ts";
import { type Move, openMove } from "../../lib/domain/move.ts";
import { requestSync } from "../../lib/domain/sync.ts";
import { hookStore } from "../../lib/store/hooks.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { outbox } from "../../lib/store/outbox.ts";
import { runStore } from "../../lib/store/runs.ts";
import { syncStore } from "../../lib/store/syncs.ts";
import { keys } from "../../lib/store/table.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const LATER = "2026-11-22T10:05:00.000Z";

describe("a callback", () => {
  const hook: Hook = {
    schema: 1,
    hook_id: "hook-1",
    secrets_sha256: ["first"],
    run_id: "run-1",
    session_id: "session-1",
    host: "cmp-01",
    expires_at: LATER,
    answer: null,
  };
  const done = { state: "DONE", details: "all good", at: NOW } as const;

  test("keeps its first answer and refuses another", async () => {
    const hooks = hookStore(dynamodb.newTable());
    await hooks.add(hook);
    await hooks.answer("hook-1", done);

    await expect(hooks.answer("hook-1", { ...done, state: "FAILED" })).rejects.toThrow(
      ConflictError,
    );
    expect((await hooks.get("hook-1")).answer).toEqual(done);
  });

  test("asked for again gets a further secret and keeps what it was", async () => {
    const hooks = hookStore(dynamodb.newTable());
    await hooks.add(hook);
    await hooks.answer("hook-1", done);
    await hooks.add({ ...hook, secrets_sha256: ["second"], expires_at: "2030" });

    expect(await hooks.get("hook-1")).toEqual({
      ...hook,
      secrets_sha256: ["first", "second"],
      answer: done,
    });
  });

  test("that nobody made is not found, and an answer does not make it", async () => {
    const hooks = hookStore(dynamodb.newTable());

    await expect(hooks.answer("hook-1", done)).rejects.toThrow(ConflictError);
    await expect(hooks.get("hook-1")).rejects.toThrow(NotFoundError);
  });
});

describe("a move", () => {
  const move = (host: string, instance: string): Move =>
    openMove({ session_id: "session-1" }, { host }, instance, instance, "project-1");

  test("is listed with its session and with its host, and not with a host named alike", async () => {
    const table = dynamodb.newTable();
    const moves = moveStore(table);
    const ref = await startRun(table, "cmp-1");
    for (const one of [move("cmp-1", "a"), move("cmp-1", "b"), move("cmp-10", "c")])
      await moves.put(ref, one);
    const namesOf = (list: Move[]) => list.map(({ instance_id }) => instance_id);

    expect(namesOf(await moves.listByHost("session-1", "cmp-1"))).toEqual(["a", "b"]);
    expect(namesOf(await moves.list("session-1"))).toEqual(["a", "b", "c"]);
    expect(await moves.list("session-2")).toEqual([]);
  });

  test("is null before anybody has looked, and then as it was last written", async () => {
    const table = dynamodb.newTable();
    const moves = moveStore(table);
    const ref = await startRun(table, "cmp-1");
    const moved = { ...move("cmp-1", "a"), state: "moved", destination_host: "cmp-2" } as const;

    expect(await moves.get("session-1", "cmp-1", "a")).toBeNull();
    await moves.put(ref, move("cmp-1", "a"));
    await moves.put(ref, moved);
    expect(await moves.get("session-1", "cmp-1", "a")).toEqual(moved);
  });

  test("is not written by an old generation", async () => {
    const table = dynamodb.newTable();
    const moves = moveStore(table);
    const ref = await startRun(table, "cmp-1");
    await runStore(table).supersede(ref, LATER);

    await expect(moves.put(ref, move("cmp-1", "a"))).rejects.toThrow(SupersededError);
    expect(await moves.list("session-1")).toEqual([]);
  });
});

describe("a sync", () => {
  test("is stored together with the event that has it done", async () => {
    const table = dynamodb.newTable();
    await syncStore(table).request(requestSync("sync-1", NOW));
    const { events } = await outbox(table).list(keys.sync("sync-1").PK, 10, null);

    expect(await syncStore(table).get("sync-1")).toMatchObject({ state: "REQUESTED", seen: 0 });
    expect(events).toMatchObject([
      { type: "inventory.sync.requested", detail: { sync_id: "sync-1" } },
    ]);
  });

  test("tells what came of it, and one that nobody asked for is not found", async () => {
    const syncs = syncStore(dynamodb.newTable());
    await syncs.request(requestSync("sync-1", NOW));
    await syncs.finish({ ...requestSync("sync-1", NOW), state: "DONE", seen: 6, created: 6 });

    expect(await syncs.get("sync-1")).toMatchObject({ state: "DONE", created: 6 });
    await expect(syncs.get("sync-2")).rejects.toThrow(NotFoundError);
  });

  test("that was done twice keeps its first end", async () => {
    const syncs = syncStore(dynamodb.newTable());
    const sync = requestSync("sync-1", NOW);
    await syncs.request(sync);
    await syncs.finish({ ...sync, state: "DONE", created: 6 });
    await syncs.finish({ ...sync, state: "DONE", created: 0 });

    expect(await syncs.get("sync-1")).toMatchObject({ state: "DONE", created: 6 });
  });

  test("that nobody asked for, because it was time, is stored at its end", async () => {
    const syncs = syncStore(dynamodb.newTable());
    await syncs.finish({ ...requestSync("sync-1", NOW), state: "FAILED", error: "no cloud" });

    expect(await syncs.get("sync-1")).toMatchObject({ state: "FAILED", error: "no cloud" });
  });
});
