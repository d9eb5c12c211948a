import { afterAll, beforeAll, expect, test } from "vitest";
import { type MaintenanceApi, problemOf, startMaintenanceApi } from "./maintenance-api.ts";

let api: MaintenanceApi;
beforeAll(async () => {
  api = await startMaintenanceApi({ LULL_MAX_HOSTS: "2", LULL_MAX_ZONE_PERCENT: "50" });
});
afterAll(() => api.close());

test("a session of more hosts than the operator allows is refused by the name of the limit", async () => {
  const answer = await api.create({ hosts: ["cmp-01", "cmp-02", "cmp-03"] });

  expect(problemOf(answer)).toEqual({
    status: 422,
    code: "blocked",
    errors: ["hosts too_many_hosts", "hosts too_much_of_zone"],
  });
  expect(JSON.stringify(answer.body.errors)).toContain("LULL_MAX_HOSTS");
  expect(JSON.stringify(answer.body.errors)).toContain("LULL_MAX_ZONE_PERCENT");
});

test("two of a zone's three hosts are more than half of it, one is not", async () => {
  expect(problemOf(await api.create({ hosts: ["cmp-01", "cmp-02"] })).errors).toEqual([
    "hosts too_much_of_zone",
  ]);
  expect((await api.create({ hosts: ["cmp-01"] })).status).toBe(200);
});
