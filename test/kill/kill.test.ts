import { expect, test } from "vitest";
import { survive } from "./scenario.ts";

test("a session ends right although its process is killed again and again", async () => {
  const outcome = await survive({ seed: 11, kills: 5, hosts: 6, instances: 12, maintained: 3 });

  expect(outcome.kills).toHaveLength(5);
  expect(outcome.sessions.map(({ state }) => state)).toEqual(
    outcome.sessions.map(() => "MAINTENANCE_DONE"),
  );
  expect(outcome.violations).toEqual([]);
}, 300_000);
