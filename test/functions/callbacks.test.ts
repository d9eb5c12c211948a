import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hookStore } from "../../lib/store/hooks.ts";
import { type Api, startApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const newHookId = () => crypto.randomUUID().replaceAll("-", "");

/** A callback that `secret` opens for so many minutes more. */
const aHook = async (secret: string, minutes = 60): Promise<string> => {
  const hook_id = newHookId();
  await hookStore(api.table).add({
    schema: 1,
    hook_id,
    secrets_sha256: [sha256(secret)],
    run_id: "run-1",
    session_id: "session-1",
    host: "cmp-01",
    expires_at: inMinutes(minutes),
    answer: null,
  });
  return hook_id;
};

const answer = (hook: string, secret: string | null, body: unknown = { state: "DONE" }) =>
  api.call("POST", `/v1/callbacks/${hook}`, {
    as: null,
    body,
    ...(secret !== null && { headers: { authorization: `Bearer ${secret}` } }),
  });

const stored = async (hook: string) => (await hookStore(api.table).get(hook)).answer;

describe("a worker", () => {
  test("reports the end of its work with its secret, without a token", async () => {
    const hook = await aHook("secret");
    const body = { state: "DONE", details: "12 packages" };

    expect(await answer(hook, "secret", body)).toMatchObject({ status: 200, body: {} });
    expect(await stored(hook)).toMatchObject(body);
  });

  test("may repeat its answer, not change it", async () => {
    const hook = await aHook("secret");
    await answer(hook, "secret");
    const first = await stored(hook);

    expect((await answer(hook, "secret")).status).toBe(200);
    expect((await answer(hook, "secret", { state: "FAILED" })).status).toBe(409);
    expect(await stored(hook)).toEqual(first);
  });

  test("that was asked twice may answer with either secret", async () => {
    const hook = await aHook("first");
    const hooks = hookStore(api.table);
    await hooks.add({ ...(await hooks.get(hook)), secrets_sha256: [sha256("second")] });

    expect((await answer(hook, "first")).status).toBe(200);
    expect((await answer(hook, "second")).status).toBe(200);
  });

  test("that is late is not heard, though it may repeat what was heard in time", async () => {
    const late = await aHook("secret", -1);
    const intime = await aHook("secret", -1);
    await hookStore(api.table).answer(intime, { state: "DONE", details: null, at: inMinutes(-2) });

    expect((await answer(late, "secret")).status).toBe(404);
    expect(await stored(late)).toBeNull();
    expect((await answer(intime, "secret")).status).toBe(200);
  });

  test.each([
    {},
    { state: "RUNNING" },
    { state: "DONE", more: 1 },
    "{",
    { state: "DONE", details: "x".repeat(1001) },
  ])("that reports %j is told what is wrong with it", async (body) => {
    const hook = await aHook("secret");

    expect(await answer(hook, "secret", body)).toMatchObject({
      status: 400,
      body: { code: "invalid" },
    });
    expect(await stored(hook)).toBeNull();
  });
});

test("whoever has not the secret learns no more than of a callback that is not there", async () => {
  const hook = await aHook("secret");
  const nowhere = await answer(newHookId(), "secret");
  expect(nowhere.status).toBe(404);

  for (const secret of ["wrong", "", null, "Secret", sha256("secret")])
    for (const body of [{ state: "DONE" }, { state: "NONSENSE" }]) {
      const refused = await answer(hook, secret, body);

      expect(refused).toMatchObject({ status: 404, body: nowhere.body });
    }
  expect(await stored(hook)).toBeNull();
});

test.each(["x".repeat(3_000), "%23HOOK", "1"])(
  "an id that no callback has is not looked up",
  async (id) => {
    expect((await answer(id, "secret")).status).toBe(404);
  },
);

test("a token, even the admin's, is no secret", async () => {
  const hook = await aHook("secret");
  const body = { state: "DONE" };

  expect((await api.call("POST", `/v1/callbacks/${hook}`, { body })).status).toBe(404);
});
