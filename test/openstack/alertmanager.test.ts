import { afterAll, beforeAll, expect, test } from "vitest";
import { type Alertmanager, startAlertmanager } from "./alertmanager.ts";

let alertmanager: Alertmanager;

beforeAll(async () => {
  alertmanager = await startAlertmanager();
});

afterAll(() => alertmanager.close());

test("a real Alertmanager starts empty and keeps a silence", async () => {
  const silences = `${alertmanager.url}/api/v2/silences`;
  expect(await (await fetch(silences)).json()).toEqual([]);

  const posted = await fetch(silences, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      matchers: [{ name: "instance", value: "cmp-01", isRegex: false, isEqual: true }],
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 60_000).toISOString(),
      createdBy: "test",
      comment: "maintenance",
    }),
  });

  expect(posted.status).toBe(200);
  expect(await (await fetch(silences)).json()).toMatchObject([{ status: { state: "active" } }]);
});

test("after close nothing listens any more", async () => {
  const second = await startAlertmanager();
  await second.close();
  await expect(fetch(second.url)).rejects.toThrow();
});
